"""The drift detector's statistics: a window of live rows against the rows a model was trained on."""
