"""Load that does not wait for answers, and what becomes of it."""
