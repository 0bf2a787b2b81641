"""What keeps the posts of a pool apart: a rule in each file, and the order in which they give way."""
