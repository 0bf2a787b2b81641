"""Statistics on arrays: ranking metrics, intervals. Knows no Spark and no lake."""
