"""Features of users, posts and viewer-author pairs, as of the end of a day."""
