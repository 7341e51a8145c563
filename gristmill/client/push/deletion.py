"""Delete a pushed version: never one that runs take, nor one that a run names."""

from gristmill.client.push.versions import live_version, who
from gristmill.client.stack import Stack
from gristmill.code.push import look, remove
from gristmill.errors import Refused
from gristmill.keys import RUNS, parse_run
from gristmill.runs.repository import find_readable_record


def delete_version(stack: Stack, pipeline: str, number: int) -> None:
    """Delete the code of a version; Refused where it is current, or a run names it. Reads the record of every run."""
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
    remove(stack.store, version, who(stack))


def runs_of(stack: Stack, pipeline: str, number: int) -> list[str]:
    """Return the runs whose record names a version."""
    runs = [parse_run(folder) for folder in stack.store.folders(RUNS)]
    records = stack.store.together(lambda run: find_readable_record(stack.store, run), runs)
    return [
        record.run
        for record in records
        if record
        and record.pipeline
        and record.pipeline.name == pipeline
        and record.code
        and record.code.version == number
    ]
