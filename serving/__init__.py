"""The serving side: the reader that answers feed requests from Redis, and its command lines."""
