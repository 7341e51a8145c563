"""Processes of this user, as the system lists them: /proc on Linux, `ps` elsewhere."""

import os
import subprocess
from pathlib import Path

_HAS_PROC = Path("/proc/self/stat").exists()


def start_of(pid: int) -> str | None:
    """Return when a process began: with its number, this names one process for good.

    None where none lives, or it is another user's.
    """
    owner, state, started = (_from_proc if _HAS_PROC else _from_ps)(pid)
    return started if owner == str(os.getuid()) and not state.startswith("Z") else None


def command_of(pid: int) -> str:
    """Return a process's command line, its words joined by spaces; empty where the system does not show it."""
    if not _HAS_PROC:
        return _ps(pid, "args")
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _from_proc(pid: int) -> tuple[str, str, str]:
    """Return owner, state and start (proc(5): fields 3 and 22 of `stat`); empty where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace").rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_bytes().decode(errors="replace")
    except OSError:
        return "", "", ""
    owner = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
    return owner, fields[0], fields[19]


def _from_ps(pid: int) -> tuple[str, str, str]:
    words = _ps(pid, "uid", "stat", "lstart").split(maxsplit=2)
    return (words[0], words[1], words[2]) if len(words) == 3 else ("", "", "")


def _ps(pid: int, *columns: str) -> str:
    """Return what `ps` says of a process, in one language and time zone; BSD's takes one column without head a `-o`."""
    plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC0"}
    wanted = [word for column in columns for word in ("-o", f"{column}=")]
    done = subprocess.run(
        ["ps", "-ww", *wanted, "-p", str(pid)], capture_output=True, text=True, env=plain, check=False
    )
    return done.stdout.strip()
