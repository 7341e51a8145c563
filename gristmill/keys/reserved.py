"""The words between the slashes of keys: no stage and no branch is called so, whatever lies beside it now or will."""

RESERVED = frozenset(
    {
        "checkpoints",
        "ended",
        "failures",
        "fed",
        "generations",
        "header",
        "merged",
        "merging",
        "mpi",
        "outcomes",
        "own",
        "receipts",
        "segments",
        "usage",
    }
)
