"""The service's routes, by what they are about. Each but those of `open_to_all` asks for a token with a scope."""
