"""The facts of Batch: jobs of a run, lanes, plans, containers."""
