"""Check before the slow stages whether a night can give anybody a feed."""
