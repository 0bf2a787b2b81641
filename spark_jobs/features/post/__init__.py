"""Features of posts, and content models with their readings of posts."""
