"""Why a post stands where it stands in a user's pool, or where it was lost; for its author too."""
