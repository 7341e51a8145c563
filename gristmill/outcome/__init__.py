"""What an execution came to: the event of its end, and the summary of its run."""
