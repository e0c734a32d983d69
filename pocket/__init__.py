"""The cluster in your pocket: what one machine needs to stand in for one. The only part that knows it is local."""
