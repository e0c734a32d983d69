"""Traffic in which nothing drifts, and what the loop said to it."""
