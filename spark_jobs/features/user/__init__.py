"""Features of users."""
