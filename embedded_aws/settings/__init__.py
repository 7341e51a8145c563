"""What one server works with: its folder and port, the application developed on it, keys, clients and limits."""
