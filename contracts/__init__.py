"""Words every part shares: settings, the loop specification, errors, windows, model identity."""
