"""Who calls, and how that user's files are called: whatever the machine says, as text that AWS carries."""

import getpass
import os

from gristmill.errors import Refused
from gristmill.humanize import ascii_only


def user_name() -> str:
    """Return the user's name in ASCII, `uid-N` for a user that has none on this machine."""
    try:
        return ascii_only(getpass.getuser())
    except (KeyError, OSError):  # no entry for this uid
        return f"uid-{os.getuid()}"


def utf8(text: str, what: str = "the name", mend: str = "Rename the file, or give another: --name.") -> str:
    """Return a text of the command line as its bytes are meant, whatever the locale; Refused where they are not UTF-8.

    `what` says what the text is, and `mend` what to do about it.
    """
    try:
        return os.fsencode(text).decode()
    except UnicodeError as error:
        raise Refused([f"{what} {os.fsencode(text)!r} is not UTF-8"], mend) from error
