"""There so that modules beside it can be imported by the tests below."""
