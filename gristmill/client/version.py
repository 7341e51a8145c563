"""The version of Gristmill, and whether an embedded AWS is of another one."""

from gristmill import __version__

PROGRAM = f"gristmill {__version__}"  # as a server's state file has it


def difference(started_by: str) -> str | None:
    """Return what to say where another version has started an embedded AWS; None where none, or nobody knows which."""
    if started_by in ("", PROGRAM):
        return None
    return (
        f"This is {PROGRAM}, but the embedded AWS was started by {started_by}. "
        "Start it anew (its buckets, runs and stacks go): gristmill local down && gristmill local up"
    )
