"""Sizes of stored data: a table or a model that was written with another size cannot be read."""

EMBEDDING_SIZE = 50
"""Width of a post's content embedding, in tables and as an input of the ranker."""

NUM_BUCKETS = 65_536
"""Number of buckets into which the words of posts are hashed; content and label models count by bucket."""
