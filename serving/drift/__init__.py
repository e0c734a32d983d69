"""The drift detector: a window of live rows against the rows a model was trained on, as statistics and as a service."""
