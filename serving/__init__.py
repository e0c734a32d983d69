"""The long-running parts: one folder each."""
