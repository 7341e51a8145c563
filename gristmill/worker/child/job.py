"""Make one kind of function of a branch's job, whether that is a Python function, a command or a script."""

import inspect
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gristmill.pipeline.branch import Branch
from gristmill.pipeline.code import PipelineCode
from gristmill.pipeline.environment import environment_of, resource_values
from gristmill.pipeline.inputs import mates_input
from gristmill.pipeline.parameters import handed
from gristmill.pipeline.placeholders import fill_all
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import frozen, input_suffix, suffix
from gristmill.runs.records import RunRecord
from gristmill.task import Task
from gristmill.worker.child.command import Endings, Program

Job = Callable[[Any, Any, Mapping[str, Any], Task], None]  # of the sink, or a mapping of those of several outputs
_WITH_TASK = 4  # arguments of a function that wants to know its task
# strict: a failing command, an unset variable or a failing part of a pipe ends the script with its exit code
_BASH = ("bash", "-euo", "pipefail", "-c")


def make_job(record: RunRecord, stage: Stage, branch: Branch, code: PipelineCode) -> Job:
    """Return the job of a branch of a stage; the process has the branch's own variables from then on."""
    os.environ.update(environment_of(branch, record.run, code.folder, handed(branch, record.parameters)))
    if branch.run is not None:
        return taking_task(code.load(branch.run))
    endings = Endings(
        input_suffix(record, stage), {name: suffix(record, made) for name, made in branch.by_output.items()}
    )
    return Program(
        partial(_words, branch),
        code.folder if branch.uses_code else None,
        endings,
        branch.command is not None,
        resources=resource_values(branch),
        mates=mates_input(frozen(record).inputs),
    )


def _words(branch: Branch, values: Mapping[str, object]) -> list[str]:
    if branch.command is not None:
        return fill_all(branch.command, values)
    return [*_BASH, branch.script or ""]


def taking_task(function: Callable[..., Any]) -> Job:
    """Return a function of source, sink and parameters as one that takes its task too."""
    if len(inspect.signature(function).parameters) >= _WITH_TASK:
        return function
    return lambda source, sink, parameters, _task: function(source, sink, parameters)
