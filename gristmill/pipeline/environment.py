"""`env` of a branch: variables that its jobs find in their environment, with placeholders filled in."""

from collections.abc import Iterator, Mapping

from gristmill.enums import ParameterType
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Parameter
from gristmill.pipeline.placeholders import fields, fill

_PREFIXES = ("AWS_", "GRISTMILL_", "PARAM_", "INPUT_", "OUTPUT_")
_NAMES = ("BUCKET", "GPUS", "INPUT", "ITEM", "MEMORY", "OUTPUT", "PIPELINE", "RUN", "TASK", "VCPUS")
_CONSTANT = ("run", "pipeline", "vcpus", "memory", "gpus")  # placeholders that are the same for all tasks
_PARAMETER = "params."


def env_faults(parameters: Mapping[str, Parameter], place: Place, branch: Branch) -> Iterator[Fault]:
    """Yield what is wrong with the variables of a branch, which is handed these parameters."""
    for name, text in branch.env.items():
        where: Place = (*place, "env", name)
        yield from _own_faults(where, name)
        if "\0" in text:
            yield where, "has a NUL character, which no program can be given; leave it out"
        yield from ((where, problem) for problem in _problems(text, parameters))


def secret_faults(place: Place, branch: Branch) -> Iterator[Fault]:
    """Yield what is wrong with the names that a branch's secrets have in its environment."""
    for name in branch.secrets:
        where: Place = (*place, "secrets", name)
        yield from _own_faults(where, name)
        if name in branch.env:
            yield where, "is set by env, too; choose another name for one of them"


def _own_faults(place: Place, name: str) -> Iterator[Fault]:
    if name.upper().startswith(_PREFIXES) or name.upper() in _NAMES:
        prefixes, names = ", ".join(_PREFIXES), ", ".join(_NAMES)
        yield place, f"is Gristmill's own, as all that begin with {prefixes}, and {names}; choose another name"


def _problems(text: str, parameters: Mapping[str, Parameter]) -> Iterator[str]:
    try:
        used = fields(text)
    except ValueError as error:
        yield f"{text!r}: {error}; write {{{{ and }}}} for braces"
        return
    for name in used:
        parameter = parameters.get(name.removeprefix(_PARAMETER)) if name.startswith(_PARAMETER) else None
        if parameter is None and name not in _CONSTANT:
            known = [*_CONSTANT, *(f"{_PARAMETER}{known}" for known in parameters)]
            yield f"{{{name}}} is unknown here; there are: {', '.join(f'{{{placeholder}}}' for placeholder in known)}"
        elif parameter and parameter.type is ParameterType.LIST:
            variable = f"PARAM_{name.removeprefix(_PARAMETER).upper()}"
            yield f"{{{name}}} is a list: programs find it in {variable}, an item a line"
        elif parameter and parameter.default is None:
            yield f"{{{name}}} may be absent from a run: give the parameter a default"


def resource_values(branch: Branch) -> dict[str, object]:
    """Return the placeholders of what a container of a branch has."""
    return {"vcpus": branch.vcpus, "memory": branch.memories[0], "gpus": branch.gpu_count}


def environment_of(branch: Branch, run: str, folder: object, parameters: Mapping[str, object]) -> dict[str, str]:
    """Return a branch's own variables; `folder` is that of the pipeline's code."""
    values = {
        "run": run,
        "pipeline": folder,
        **resource_values(branch),
        **{f"{_PARAMETER}{name}": value for name, value in parameters.items()},
    }
    return {name: fill(text, values) for name, text in branch.env.items()}
