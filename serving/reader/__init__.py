"""The feed reader: one authenticated request, one round trip to Redis, one page of a precomputed feed."""
