"""CheckOutput: complete, counted, and if not, why."""
