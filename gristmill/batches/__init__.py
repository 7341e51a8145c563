"""Batches: many runs of one pipeline, fed from a list a few at once and told of as a whole.

A batch is a run of kind `batch`, begun by its note (`note`), which names a list of items in `uploads/` (`items`). Its
items are ordinary runs, each with a drop note of its own. `runs/<batch>/` has the list as it was frozen, `fed/` and
`ended/` (`ends`): what of it still runs, and what each item came to.
"""
