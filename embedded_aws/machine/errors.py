"""Errors that whoever starts an embedded AWS can mend.

What mends them may name one of these ways; a program with commands of its own puts those in their place.
"""

START = "python -m embedded_aws up"
RESET = "python -m embedded_aws reset"
ANOTHER_FOLDER = "the option --data"


class EmbeddedAWSError(Exception):
    """Base of these errors: `what` went wrong, and `mend`, how to put it right; commands end with `exit_code`."""

    exit_code = 1

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what} {mend}".strip())
        self.what = what
        self.mend = mend


class NotFound(EmbeddedAWSError):
    """Raised when no embedded AWS runs in a folder."""

    exit_code = 3


class Refused(EmbeddedAWSError):
    """Raised when a folder, a port or a setting cannot be used; `faults` says why."""

    exit_code = 4

    def __init__(self, faults: list[str], mend: str = "") -> None:
        super().__init__("; ".join(faults), mend)
        self.faults = faults


class Unreachable(EmbeddedAWSError):
    """Raised when an embedded AWS cannot be reached, or is not the server of its state file."""

    exit_code = 5
