"""The catalogue: an index of runs in a table, made of their records and no source of truth itself."""
