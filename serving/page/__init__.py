"""The page of a reader in demo mode, which shows any user's feed. A reader in production has no page."""
