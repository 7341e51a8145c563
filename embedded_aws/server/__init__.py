"""The server process: where it listens, its application, its log."""
