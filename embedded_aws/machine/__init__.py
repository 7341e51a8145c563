"""This machine: its GPUs and surroundings, and files that are its user's alone."""
