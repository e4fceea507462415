"""The edge service: frames in, shelves and alerts out over HTTP, MQTT and webhooks. Needs the extra `serve`."""
