"""The HTTP shell of every service: tokens, problems, the request log, metrics, limits of connections, the server."""
