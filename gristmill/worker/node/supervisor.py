"""Run the program of one rank and keep an account of its end: `python -I -S supervisor.py PROGRAM...`.

mpirun starts this for every rank, and every rank waits for it, so it imports little. The program reads an empty input,
and its errors go where its output goes, so that what mpirun itself reports stays apart. Processes that it leaves get a
moment and are then ended: they would hold its output open, and mpirun waits for that to be closed.
"""

import os
import sys
import time

ACCOUNTS = "GRISTMILL_RANKS"  # a folder; the same command runs on every node, so each has its own in the environment
RANK = "OMPI_COMM_WORLD_RANK"
_SET_CHILD_SUBREAPER = 36  # prctl(2): what the program leaves becomes a child of this process
ASKED = "asked"  # in an account: mpirun had asked the rank to end before it ended
_PIPE, _TERM, _FILE_SIZE = 13, 15, 25  # signals
_GRACE = 2.0  # seconds, as a single command's
_LOOK_EVERY = 0.02  # seconds
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # as in a shell


def main(command: list[str]) -> int:
    """Run the program and return its exit code, 128 + n for signal n."""
    import _signal  # type: ignore[import-not-found] # the module `signal` would cost each rank 5 ms
    import ctypes  # nodes import this file, and have no use for that

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    asked: list[str] = []
    # mpirun sends it to the whole group: this process has the program's end to note
    _signal.signal(_TERM, lambda *_: asked.append(ASKED))
    _note("")
    code = _run(command)
    account = " ".join([str(code), *asked[:1]])
    if code == 0:
        _await_leftovers()
    if _has_left():
        _end_leftovers()
    _note(account)
    return code if code >= 0 else 128 - code


def _run(command: list[str]) -> int:
    """Run the program to its end; return its exit code, below 0 the signal that killed it."""
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
    usual = [_TERM, _PIPE, _FILE_SIZE]  # Python ignores the latter two
    try:
        process = os.posix_spawnp(command[0], command, os.environ, file_actions=files, setsigdef=usual)
    except OSError as error:
        sys.stdout.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
    while (ended := os.waitpid(-1, 0))[0] != process:
        pass  # an orphan of the program's
    return os.waitstatus_to_exitcode(ended[1])


def _has_left() -> bool:
    """Return whether processes of the program's live on; those that have ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _await_leftovers() -> None:
    end = time.monotonic() + _GRACE
    while _has_left() and time.monotonic() < end:
        time.sleep(_LOOK_EVERY)


def _end_leftovers() -> None:
    sys.path.append(os.path.abspath(f"{__file__}/../../../.."))  # noqa: PTH100 - see above
    from process_tree.descendants import end_descendants

    sys.stdout.write(f"rank {os.environ[RANK]} left processes running: they are ended\n")
    end_descendants()


def _note(text: str) -> None:
    """Write the rank's account into its node's folder, whole or not at all."""
    folder, rank = os.environ[ACCOUNTS], os.environ[RANK]
    with open(f"{folder}/.{rank}", "w") as file:  # noqa: PTH123 - see above
        file.write(text)
    os.rename(f"{folder}/.{rank}", f"{folder}/{rank}")  # noqa: PTH104 - see above


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
