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


def utf8(name: str) -> str:
    """Return a name as its bytes are meant, whatever the locale; Refused where they are not UTF-8."""
    try:
        return os.fsencode(name).decode()
    except UnicodeError as error:
        raise Refused(
            [f"the name {os.fsencode(name)!r} is not UTF-8"], "Rename the file, or give another: --name."
        ) from error
