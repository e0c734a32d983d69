"""A cluster on one machine, by kind: from nothing to the loop, again after a failure, and away."""
