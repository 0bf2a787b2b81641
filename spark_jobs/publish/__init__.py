"""Building an epoch in Redis beside the live one, and making it current."""
