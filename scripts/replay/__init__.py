"""Past rows as live traffic: what is sent when, and to whom."""
