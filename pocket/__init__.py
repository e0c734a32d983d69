"""The cluster in your pocket: what one machine needs to stand in for a cluster. The only part that knows it is local."""
