"""What a user does with runs: find, watch, read, stop, resume."""
