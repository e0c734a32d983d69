"""Bad versions on their way into service: what they are, and how far they get."""
