"""Run a branch of a pipeline over all nodes: stage its input, and commit its output."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gristmill.aws_clients import make_client
from gristmill.code.kept import unpack_code
from gristmill.errors import GristmillError
from gristmill.runs.committed import read_committed
from gristmill.runs.evidence import Failure
from gristmill.storage import Storage
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.command import check_space, stage
from gristmill.worker.child.meter import ContainerTry, Tally, leave_footprint, milliseconds
from gristmill.worker.child.segment import Made, Part, Segment
from gristmill.worker.child.setting import ChildSetting
from gristmill.worker.child.sink import count_records
from gristmill.worker.child.whole_inputs import stage_whole
from gristmill.worker.node.mpi_branch import CODE, INPUT, OUTPUT, MpiBranch, read_branch
from gristmill.worker.node.setting import NodeSetting
from gristmill.worker.node.verdict import Verdict


class BranchWork:
    """A branch: its one task is the stage's whole input, and what rank 0 writes becomes the segment of that task."""

    def __init__(self, store: Storage, setting: NodeSetting, folder: Path) -> None:
        self._store, self._setting = store, setting
        self._branch: MpiBranch = read_branch(store, setting.keys, setting.cursor.attempt)
        files = folder / "files"  # apart from the node's own: a program may clear its folder away
        files.mkdir()
        self._input = files / f"input{self._branch.input_suffix}"
        self._output = files / f"output{self._branch.output_suffix}"
        self._code = unpack_code(store, self._branch.record, folder).folder
        self._started = store.clock.unix()
        self._tally = Tally(began=milliseconds(store.clock))

    @property
    def command(self) -> list[str]:
        """Return the command that each rank starts with; it becomes the branch's function or command."""
        place = self._setting.keys
        options = {
            "run": place.run,
            "stage": place.stage,
            "branch": place.branch,
            "fingerprint": place.fingerprint,
            "attempt": self._setting.cursor.attempt,
        }
        under = ["-m", "mpi4py"] if self._branch.is_function else []
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [sys.executable, *under, "-m", "gristmill.worker.node.rank", *words]

    @property
    def environment(self) -> Mapping[str, str]:
        """Return this node's own places for input, output and code."""
        return {INPUT: str(self._input), OUTPUT: str(self._output), CODE: str(self._code)}

    def stage(self) -> None:
        """Fetch whole inputs to this node, and the input for a program that wants a file; functions have a stream."""
        stage_whole(self._store, self._branch.whole, self._input.parent)
        if self._branch.is_function:
            return
        check_space(self._input.parent, self._branch.size)
        with self._branch.open_input(self._store) as source:
            stage(source, self._input)

    def is_committed(self) -> bool:
        """Return whether an earlier try of the job has committed the output, and was lost only then."""
        return not read_committed(self._store, self._setting.keys, tasks=1).missing

    def commit(self) -> None:
        """Put the output into the store as the branch's only segment, then its receipt."""
        if not self._output.is_file():
            did = "made a folder of its output" if self._output.is_dir() else "wrote no output"
            fault = f"the program ended well, but its rank 0 {did}"
            raise GristmillError(fault, "Write it there: to the sink, or one file to {output}.")
        records = count_records(self._output, self._branch.output_rules)
        setting = self._setting
        child = ChildSetting(
            cursor=setting.cursor,
            branch=setting.branch,
            fingerprint=setting.fingerprint,
            group=0,
            groups=1,
            child=0,
            children=1,
            bucket=setting.bucket,
            job_id=setting.job_id,
            job_attempt=setting.attempt,
            log_stream=setting.log_stream,
        )
        read = self._branch.records
        segment = Segment(0, self._store.clock, {"": Part(self._output.open("rb"))}, self._started)
        size = self._output.stat().st_size
        segment.add(self._branch.size, read, {"": Made(size, records)})
        self._tally.add(self._branch.size, size, read, records)
        segment.seal(S3Storage(setting.bucket, make_client("s3")), child)

    def note_failure(self, verdict: Verdict, detail: str) -> None:
        """Record the failure of the one task, with the end of the program's output."""
        self._tally.failed += 1
        cursor = self._setting.cursor
        failure = Failure(
            stage=cursor.stage,
            branch=self._setting.branch,
            task=0,
            attempt=cursor.attempt,
            reason=verdict.reason,
            detail=detail,
            exit_code=verdict.code,
            job_id=self._setting.job_id,
            log_stream=self._setting.log_stream,
            at=datetime.fromtimestamp(self._store.clock.unix(), UTC),
            refused=verdict.refused,
        )
        key = self._setting.keys.failure(0, cursor.attempt)
        self._store.put(key, failure.model_dump_json().encode())

    def leave_footprint(self) -> None:
        """Write what this node's programs used; the task is counted on the main node alone."""
        which = ContainerTry(
            self._setting.keys, self._setting.cursor.attempt, 0, self._setting.index, self._setting.attempt
        )
        leave_footprint(self._store, which, self._tally, print)
