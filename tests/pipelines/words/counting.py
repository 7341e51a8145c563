"""What the jobs beside it import by its name."""


def words(line: bytes) -> int:
    """Count the words of a line."""
    return len(line.split())
