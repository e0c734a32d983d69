"""The trigger: decides which drift leads to a training run, and starts it."""
