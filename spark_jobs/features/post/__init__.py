"""Features of posts, and what content models say of them."""
