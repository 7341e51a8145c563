"""Files that are their user's alone, where somebody may have put others: no link is followed, no FIFO waits."""

import errno
import os
import re
import secrets
import stat
from pathlib import Path

from embedded_aws.machine.errors import Refused

_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DRAFT = re.compile(r"\.(.+)\.[0-9a-f]{8}")


def open_private(path: Path, flags: int) -> int:
    """Open a file that is its user's alone, making it if need be; Refused for anything else of that name."""
    while True:
        try:
            file = os.open(path, flags | os.O_CREAT | _PLAIN, 0o600)
        except OSError as error:
            raise Refused([f"{path} cannot be opened ({error.strerror})"], "Remove it, or mend the folder.") from error
        info = os.fstat(file)
        if info.st_nlink:
            break
        os.close(file)  # it was removed just after it was opened
    if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid() or info.st_nlink != 1:
        os.close(file)
        raise Refused([f"{path} is not a file of your own"], "Remove it.")
    os.fchmod(file, 0o600)
    return file


def read_private(path: Path, most: int) -> bytes | None:
    """Return the bytes of a file, None where there is none.

    ValueError where anybody else could have written or read it, where it has a second name, or more than `most` bytes.
    """
    try:
        file = os.open(path, os.O_RDONLY | _PLAIN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError("it is a symbolic link" if error.errno == errno.ELOOP else f"{error.strerror}") from error
    try:
        _check(os.fstat(file), most)
        with os.fdopen(file, "rb", closefd=False) as stream:
            return stream.read(most)
    finally:
        os.close(file)


def _check(info: os.stat_result, most: int) -> None:
    faults = {
        "it is not a file": not stat.S_ISREG(info.st_mode),
        "it belongs to another user": info.st_uid != os.getuid(),
        "others may read or write it": bool(info.st_mode & 0o077),
        "it has a second name": info.st_nlink > 1,
        "it is too large": info.st_size > most,
    }
    if fault := next((fault for fault, is_so in faults.items() if is_so), None):
        raise ValueError(fault)


def write_private(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and at no moment readable by others; what had its name is replaced.

    So a link of that name, whatever it leads to, keeps what it leads to as it is. OSError where it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def drafted(name: str) -> str | None:
    """Return the name of the file that a draft was to become; None for what is no draft."""
    draft = _DRAFT.fullmatch(name)
    return draft[1] if draft else None
