"""Installs a lock file into an image's environment; what that adds, and nothing else, comes to lie under /layer.

Left out: tests of libraries, and symbols that only debuggers read. Run while an image is built: layer.py LOCK.
"""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = Path("/opt/gristmill")
LAYER = Path("/layer")
_BUILD = Path(__file__).parent
_TRUSTED = _BUILD / "trusted.crt"  # what the building machine trusts; no image gets it
_LOADED = 1  # PT_LOAD: a segment that is loaded (System V ABI, program header)


def main(lock: str) -> None:
    """Make the layer of a lock file."""
    before = set(files(ENVIRONMENT))
    if not before:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)], check=True)
    install(_BUILD / lock)
    for folder in [found for found in ENVIRONMENT.glob("lib/python*/site-packages/**/tests") if found.is_dir()]:
        shutil.rmtree(folder, ignore_errors=True)
    added = sorted(set(files(ENVIRONMENT)) - before)
    for library in (file for file in added if ".so" in file.name and not file.is_symlink()):
        strip(library)
    shutil.rmtree(LAYER, ignore_errors=True)
    for file in added:
        there = LAYER / file.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, there, follow_symlinks=False)


def files(folder: Path) -> Iterator[Path]:
    """Yield all that is no folder."""
    return (found for found in folder.rglob("*") if found.is_symlink() or not found.is_dir())


def install(lock: Path) -> None:
    """Install exactly what a lock file lists."""
    pip = [str(_BUILD / "pip/bin/pip"), "--python", str(ENVIRONMENT / "bin/python"), "install", "--quiet"]
    exactly = ["--no-cache-dir", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--requirement"]
    trust = {"PIP_CERT": str(_TRUSTED)} if _TRUSTED.exists() else {}
    subprocess.run([*pip, *exactly, str(lock)], env={**os.environ, **trust}, check=True)


def strip(library: Path) -> None:
    """Take the symbols from a library that can be loaded without them; some that were patched could not."""
    stripped = library.with_name(f"{library.name}.stripped")
    command = ["strip", "--strip-unneeded", "-o", str(stripped), str(library)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0 and is_loadable(stripped.read_bytes()):
        shutil.copymode(library, stripped)
        stripped.replace(library)
    stripped.unlink(missing_ok=True)


def is_loadable(elf: bytes) -> bool:
    """Return whether each segment's address and offset agree, as the loader demands (64-bit, little-endian)."""
    (start,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for place in range(start, start + size * count, size):
        kind, _, offset, address, _, _, _, alignment = struct.unpack_from("<IIQQQQQQ", elf, place)
        if kind == _LOADED and alignment and (address - offset) % alignment:
            return False
    return True


if __name__ == "__main__":
    main(sys.argv[1])
