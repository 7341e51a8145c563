"""Read an MPI branch for its nodes and ranks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gristmill import keys
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.code import PipelineCode
from gristmill.pipeline.environment import environment_of, resource_values
from gristmill.pipeline.parameters import Values, handed
from gristmill.pipeline.placeholders import fill_all
from gristmill.runs.at_work import check_fingerprint
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import find_branch, frozen, input_suffix, stage_keys, suffix
from gristmill.runs.pinned import ObjectVersion, StageCut, read_cut
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record
from gristmill.storage import Storage
from gristmill.task import Task
from gristmill.worker.child.command import Endings, Program, environment
from gristmill.worker.child.job import Job, taking_task
from gristmill.worker.child.outputs import OutputRules, output_rules
from gristmill.worker.child.whole_inputs import Whole, whole_files, whole_of

# this node's own files, in its environment: input, output, and the folder of the pipeline's code
INPUT, OUTPUT, CODE = "GRISTMILL_INPUT", "GRISTMILL_OUTPUT", "GRISTMILL_CODE"


@dataclass(frozen=True)
class MpiBranch:
    """A branch, its run, and what its stage reads."""

    record: RunRecord
    cursor: Cursor
    branch: Branch
    cut: StageCut
    store: Storage

    @property
    def is_function(self) -> bool:
        """Tell whether the branch names a Python function rather than a command."""
        return isinstance(self.branch.mpi, str)

    @property
    def source(self) -> ObjectVersion:
        """Return the object that it reads."""
        return self.cut.source

    @property
    def whole(self) -> dict[str, Whole]:
        """Return what its ranks are given whole, by name."""
        return whole_of(self.record, frozen(self.record).stage(self.cursor.stage), self.branch, self.cut)

    @property
    def records(self) -> int:
        """Return how many records that has: one where they were not counted."""
        return self.cut.records or 1

    @property
    def parameters(self) -> Values:
        """Return the parameters that it is handed."""
        return handed(self.branch, self.record.parameters)

    @property
    def size(self) -> int:
        """Return the bytes of the input."""
        return self.source.size

    @property
    def input_suffix(self) -> str:
        """Return how the file of the input is called: some programs go by it."""
        return input_suffix(self.record, frozen(self.record).stage(self.cursor.stage))

    @property
    def output_suffix(self) -> str:
        """Return how the result's name will end."""
        return suffix(self.record, self.branch)

    @property
    def output_rules(self) -> OutputRules:
        """Return what is asked of the output: it is the only one, so its header stays where it is."""
        rules = output_rules(self.record, frozen(self.record).stage(self.cursor.stage), self.branch, lambda: 1)
        return replace(rules, has_header=False)

    def task(self, files: Path) -> Task:
        """Return the branch's one task; its whole inputs lie in the folder `files` of this node."""
        dropped = self.record.input
        return Task(
            number=0,
            run=self.cursor.run,
            stage=self.cursor.stage,
            branch=self.branch.name,
            attempt=self.cursor.attempt,
            bucket=dropped.bucket,
            input_key=dropped.key,
            input_version=dropped.version,
            prefix=keys.own(self.cursor.run),
            size=self.source.size,
            inputs=whole_files(self.whole, files),
            store=self.store,
        )

    def open_input(self, store: Storage) -> BinaryIO:
        """Return the input as a stream; nothing is read of it before it is asked for."""
        return self.source.open(store, 0, self.source.size)

    def function(self, folder: Path) -> Job:
        """Return the branch's function, whose code lies in `folder`."""
        self._set_variables(folder)
        return taking_task(PipelineCode(frozen(self.record).name, folder).load(str(self.branch.mpi)))

    def program(self, given: Path, made: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
        """Return the branch's command with its placeholders filled in, and the environment it runs in."""
        self._set_variables(folder)
        endings = Endings(self.input_suffix, {"": self.output_suffix})
        named = folder if self.branch.uses_code else None
        program = Program(partial(_words, self.branch), named, endings, resources=resource_values(self.branch))
        task = self.task(given.parent)
        values = program.values(given, {"": made}, self.parameters, task)
        return program.words(values), environment(values, task.inputs)

    def _set_variables(self, folder: Path) -> None:
        """Give this process the branch's own variables."""
        os.environ.update(environment_of(self.branch, self.record.run, folder, self.parameters))


def _words(branch: Branch, values: Mapping[str, object]) -> list[str]:
    return fill_all(branch.mpi or (), values)


def read_branch(store: Storage, place: keys.BranchKeys, attempt: int) -> MpiBranch:
    """Return a branch of a run; Superseded where the run computes it otherwise by now."""
    record = read_record(store, place.run)
    check_fingerprint(record, place)
    branch = find_branch(frozen(record), place.branch)[1]
    cursor = Cursor(place.run, place.stage, attempt)
    return MpiBranch(record, cursor, branch, read_cut(store, stage_keys(record, place.stage)), store)
