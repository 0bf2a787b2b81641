"""The page for people: a reader in demo mode shows any user's feed as a feed. A reader in production has none of it."""
