"""The cache between runs: `cache/`. CheckOutput alone writes here, and no job may."""

CACHED = "cache/"


def cached_prefix(pipeline: str) -> str:
    """Return the prefix of the entries of a pipeline's branches."""
    return f"{CACHED}{pipeline}/"


def cached_entry(pipeline: str, identity: str) -> str:
    """Return the key of the entry of what is computed under this identity."""
    return f"{cached_prefix(pipeline)}{identity}.json"
