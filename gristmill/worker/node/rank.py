"""Entry of every rank of a branch's MPI job: call the branch's function, or become its command."""

import argparse
import io
import os
from pathlib import Path
from typing import Any

from gristmill.aws_clients import make_client
from gristmill.errors import GristmillError
from gristmill.keys import BranchKeys
from gristmill.storage import Storage
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.reasons import is_refusal
from gristmill.worker.node.mpi_branch import CODE, INPUT, OUTPUT, MpiBranch, read_branch
from gristmill.worker.node.mpirun import program
from gristmill.worker.node.ranks import note_refusal


class FunctionExited(Exception):
    """Raised in a rank whose function calls `sys.exit` as if all were well: in a task that is a failure, too."""


class OtherRanksSink(io.RawIOBase):
    """The sink of every rank but 0: writing to it is an error, for it would be lost."""

    def writable(self) -> bool:
        """Tell that this is a stream to write."""
        return True

    def write(self, _data: Any) -> int:
        """Raise: the output would be lost."""
        raise OSError("only rank 0 writes the output: gather it there")


def main() -> None:
    """Run one rank."""
    given = _parser().parse_args()
    store = S3Storage(os.environ["BUCKET"], make_client("s3"))
    work = read_branch(store, BranchKeys(given.run, given.stage, given.branch, given.fingerprint), given.attempt)
    if work.is_function:
        call(work, store)
        return
    code = os.environ.pop(CODE)  # a program finds it by its words alone, for those tell that it counts
    words, environment = work.program(*map(Path, (os.environ[INPUT], os.environ[OUTPUT], code)))
    words = program(words)
    os.execvpe(words[0], words, environment)  # noqa: S606 - the pipeline's own command


def call(work: MpiBranch, store: Storage) -> None:
    """Call the branch's function in this rank; rank 0 writes the output. What it refuses is noted for its node."""
    from mpi4py import MPI

    try:
        _call(work, store, MPI.COMM_WORLD.Get_rank() == 0)
    except GristmillError as error:
        if is_refusal(error):
            note_refusal(str(error), os.environ)
        raise


def _call(work: MpiBranch, store: Storage, first: bool) -> None:
    function = work.function(Path(os.environ[CODE]))
    with work.open_input(store) as source, _sink(first) as sink:
        try:
            function(source, sink, work.parameters, work.task(Path(os.environ[INPUT]).parent))
        except SystemExit as error:
            if error.code in (None, 0):  # mpirun would take it for a good end, though the output may be half there
                raise FunctionExited(f"the function ended the program: sys.exit({error.code})") from error
            raise


def _sink(first: bool) -> Any:
    return Path(os.environ[OUTPUT]).open("wb") if first else io.BufferedWriter(OtherRanksSink())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gristmill.worker.node.rank", description=__doc__)
    for name in ("--run", "--stage", "--branch", "--fingerprint"):
        parser.add_argument(name, required=True)
    parser.add_argument("--attempt", type=int, required=True)
    return parser


if __name__ == "__main__":
    main()
