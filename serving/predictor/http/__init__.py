"""HTTP without a framework: connections on uvloop and httptools, bounds, admission, a graceful end."""
