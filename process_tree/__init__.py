"""Which processes are below this one, and how they end: shared by containers and the embedded AWS."""
