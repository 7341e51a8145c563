"""JobMap: find the tasks that lack an output, and plan the jobs that make them."""
