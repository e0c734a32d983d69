"""From an HTTP request to its answer: which operation a path names, and what every answer carries."""
