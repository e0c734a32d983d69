"""Wiring only: the pipelines, the loops they run for, and their compiled form."""
