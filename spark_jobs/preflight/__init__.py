"""Whether a night can give anybody a feed, asked before its slow stages."""
