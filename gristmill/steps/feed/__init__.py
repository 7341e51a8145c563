"""Feed: drop the items of a batch, as many as may run at once, and count what has ended."""
