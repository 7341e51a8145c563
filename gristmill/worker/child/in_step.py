"""The parts of other branches that a task reads in step with its own: staged to a file each, task by task."""

from pathlib import Path

from gristmill.pipeline.placeholders import in_step_name
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import find_branch, frozen, suffix
from gristmill.runs.records import RunRecord
from gristmill.worker.child.command import check_space, stage_stream
from gristmill.worker.child.streams import Part


def in_step_files(record: RunRecord, stage: Stage, folder: Path) -> dict[str, Path]:
    """Return where a task's parts of other branches are staged in a folder, by name."""
    names = {in_step_name(name): find_branch(frozen(record), name)[1] for name in stage.in_step}
    return {name: folder / f"{name}{suffix(record, branch)}" for name, branch in names.items()}


def stage_part(part: Part, target: Path) -> Path:
    """Write a part to a file, over that of the task before; return the file."""
    target.unlink(missing_ok=True)
    check_space(target.parent, part.size)
    with part.open() as stream:
        stage_stream(stream, target)
    return target
