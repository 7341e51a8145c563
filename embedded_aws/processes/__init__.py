"""Processes that the embedded AWS starts: quick starts, their environment and folders, and what ends them."""
