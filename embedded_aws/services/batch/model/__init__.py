"""Jobs, queues and definitions, and what AWS refuses of them. Pure, but for the time."""
