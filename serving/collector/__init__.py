"""The collector: accepts events over HTTP, and answers once they are in a stream on disk."""
