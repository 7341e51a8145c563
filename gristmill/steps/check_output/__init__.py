"""CheckOutput: check that a stage is complete and its counts agree, and find out why if not."""
