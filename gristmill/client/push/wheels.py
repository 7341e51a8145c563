"""Fetch the wheels that a lock file names, by pip: for the image's Python and platform, or for this machine's own."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.code.digest import CodeFile
from gristmill.code.libraries import IMAGE, unpack_wheels
from gristmill.errors import Refused

_SECONDS = 1800
_GLIBC = 36  # of the images' Debian: 2.36
_OLD = ("manylinux2014", "manylinux2010", "manylinux1", "linux")
_MANYLINUX = [f"manylinux_2_{minor}" for minor in range(_GLIBC, 4, -1)]
_OF_IMAGE = [
    *("--implementation", "cp", "--python-version", "3.13"),
    *(word for abi in ("cp313", "abi3", "none") for word in ("--abi", abi)),
    *(word for name in (*_MANYLINUX, *_OLD) for word in ("--platform", f"{name}_x86_64")),
]


def fetch_wheels(lock: Path, abi: str) -> list[CodeFile]:
    """Return what a lock file's wheels put on Python's path; Refused where one has no wheel for that Python."""
    if find_spec("pip") is None:
        raise Refused(["libraries are fetched by pip, which is not installed here"], "Run: python -m ensurepip")
    with TemporaryDirectory(prefix="gristmill-wheels-") as folder:
        _download(lock, abi, Path(folder))
        return unpack_wheels(Path(folder).glob("*.whl"))


def _download(lock: Path, abi: str, folder: Path) -> None:
    words = ["--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "--requirement", str(lock)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", *words]
    ended = subprocess.run(
        [*command, *(_OF_IMAGE if abi == IMAGE else [])], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if ended.returncode:
        raise Refused([f"{lock.name}: {_why(ended.stderr.splitlines())} (for {abi})"], "Libraries must come as wheels.")


def _why(lines: Sequence[str]) -> str:
    """Return pip's own reason: its last error but the line that says no more than that it is one."""
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return errors[-1] if errors else "pip could not fetch its wheels"
