"""The trigger: which drift leads to a training run, and that it leads to exactly one."""
