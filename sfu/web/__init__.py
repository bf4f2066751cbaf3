"""The HTTP edge: server, signalling channel, portal API, the page."""
