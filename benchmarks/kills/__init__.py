"""The parts of `kills.py`, which proves that nothing is lost whatever is killed."""
