"""Split: claim the run, check the drop, index the chunks."""
