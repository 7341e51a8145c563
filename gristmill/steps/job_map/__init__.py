"""JobMap: what is missing, and the jobs that make it."""
