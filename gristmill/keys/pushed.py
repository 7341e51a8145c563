"""Pipelines that users push: `pipelines/`. No job may write here, and no function does."""

PUSHED = "pipelines/"
_NUMBER_DIGITS = 6


def pushed_prefix(pipeline: str) -> str:
    """Return the prefix of what was pushed of a pipeline."""
    return f"{PUSHED}{pipeline}/"


def pushed_code(pipeline: str, digest: str) -> str:
    """Return the key of the archive of code with this digest."""
    return f"{pushed_prefix(pipeline)}{digest}.zip"


def pushed_log(pipeline: str) -> str:
    """Return the prefix of the log of a pipeline's pushes; it sorts by number."""
    return f"{pushed_prefix(pipeline)}log/"


def pushed_entry(pipeline: str, number: int) -> str:
    """Return the key of the log's entry of one push; creating it takes the number."""
    return f"{pushed_log(pipeline)}{number:0{_NUMBER_DIGITS}d}.json"


def pushed_current(pipeline: str) -> str:
    """Return the key of the pointer to the version that runs take where their drop names none."""
    return f"{pushed_prefix(pipeline)}current.json"


def wheels(lock_digest: str, abi: str) -> str:
    """Return the key of the libraries that a lock file names, for one Python and platform."""
    return f"{PUSHED}_wheels/{lock_digest}-{abi}.zip"
