"""Merge: join outputs on the server."""
