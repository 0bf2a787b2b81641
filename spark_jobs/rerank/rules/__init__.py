"""Rules that mix the posts of a pool: one rule per file, and the order in which they give way."""
