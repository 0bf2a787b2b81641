"""Features of a viewer and an author."""
