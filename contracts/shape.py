"""Sizes that shape what is stored: a table or a model that was written with another size cannot be read."""

EMBEDDING_SIZE = 50
"""Width of a post's content embedding, in tables and as an input of the ranker."""

NUM_BUCKETS = 65_536
"""Words of posts are hashed into so many buckets; content models and classifiers of labels count by bucket."""
