"""Delete a pushed version: never one that runs take, nor one that a run names."""

from gristmill.client.push.definitions import deregister
from gristmill.client.push.versions import live_version, who
from gristmill.client.stack import Stack
from gristmill.code.push import look, remove
from gristmill.errors import Refused
from gristmill.keys import RUNS, generation, parse_run
from gristmill.runs.reading import find_readable
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_readable_record
from gristmill.storage import Storage


def delete_version(stack: Stack, pipeline: str, number: int) -> None:
    """Delete the code of a version, and its job definitions; Refused where it is current, or a run names it.

    Reads the record of every run.
    """
    version = live_version(stack, pipeline, str(number))
    if look(stack.store, pipeline).number == number:
        raise Refused(
            [f"runs of {pipeline} take version {number}; nothing was deleted"],
            f"Have them take another first: gristmill pipelines use {pipeline} VERSION",
        )
    named = runs_of(stack, pipeline, number)
    if named:
        others = f" and {len(named) - 1:,} more" if len(named) > 1 else ""
        raise Refused(
            [f"version {number} of {pipeline} is named by a run, {named[0]}{others}; nothing was deleted"],
            f"Records of runs go after {stack.output('IntermediateDays')} days; then it can be.",
        )
    deregister(stack, version)  # first: what is interrupted here can be repeated
    remove(stack.store, version, who(stack))


def runs_of(stack: Stack, pipeline: str, number: int) -> list[str]:
    """Return the runs that name a version, in their record or in one of an earlier generation."""
    store, runs = stack.store, [parse_run(folder) for folder in stack.store.folders(RUNS)]
    named = store.together(lambda run: (pipeline, number) in versions_named(store, run), runs)
    return [run for run, is_named in zip(runs, named, strict=True) if is_named]


def versions_named(store: Storage, run: str) -> list[tuple[str, int | None]]:
    """Return the pipeline and version that each generation of a run names."""
    newest = find_readable_record(store, run)
    earlier = range(newest.generation if newest else 0)
    records = [newest, *(find_readable(store, RunRecord, generation(run, number)) for number in earlier)]
    return [(record.dropped.pipeline, record.code.version) for record in records if record and record.code]
