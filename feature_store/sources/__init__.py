"""Where raw rows come from. Every source yields the same Arrow batches, by table and by window of days."""
