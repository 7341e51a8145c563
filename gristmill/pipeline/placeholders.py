"""The placeholders of a command: `{input}`, `{output}` and what else a command may name."""

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from gristmill.enums import ParameterType
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.inputs import mates_input
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.stage import Stage

NAMES = ("input", "output", "item", "task", "run", "pipeline", "vcpus", "memory", "gpus")
_PARAMETER = "params."
_OUTPUT = "output"
_INPUT = "input."


def in_step_name(branch: str) -> str:
    """Return what a branch that is read in step is called where hyphens cannot be."""
    return branch.replace("-", "_").replace(".", "_")


def fields(word: str) -> list[str]:
    """Return the names in a word's placeholders; ValueError where its braces do not match. `{{` is a brace."""
    found = []
    for _, name, layout, conversion in string.Formatter().parse(word):
        if name is None:
            continue
        if layout or conversion:
            raise ValueError("a placeholder has no format")
        found.append(name)
    return found


def fill(word: str, values: Mapping[str, object]) -> str:
    """Return a word with its placeholders filled in; a parameter's name is `params.<name>`."""
    pieces = []
    for text, name, _, _ in string.Formatter().parse(word):
        pieces.append(text)
        if name is not None:
            pieces.append(as_text(values[name]))
    return "".join(pieces)


def fill_all(words: Sequence[str], values: Mapping[str, object]) -> list[str]:
    """Return a command with its placeholders filled in; a list becomes as many words as it has items."""
    return [filled for word in words for filled in _fill(word, values)]


def _fill(word: str, values: Mapping[str, object]) -> list[str]:
    items = values.get(word[1:-1]) if word.startswith("{") and word.endswith("}") else None
    return list(map(as_text, items)) if isinstance(items, list) else [fill(word, values)]


def as_text(value: object) -> str:
    """Return a value as programs want it: `true` and `false`, whole numbers without a point, every digit there.

    Of a list, each item on a line of its own.
    """
    if isinstance(value, list):
        return "\n".join(map(as_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def placeholders(pipeline: Pipeline, stage: Stage, branch: Branch) -> list[str]:
    """Return the placeholders that a branch's command may name."""
    mates = mates_input(pipeline.inputs) if stage.reads is None else None
    pair = [f"{_INPUT}{mates}"] if mates else []
    own = [_outputs(branch.outputs) if name == _OUTPUT else [name] for name in NAMES]
    beside = [*stage.joined, *map(in_step_name, stage.in_step)]
    wanted = pipeline.parameters if branch.parameters is None else branch.parameters
    given = [f"{_PARAMETER}{name}" for name in pipeline.parameters if name in wanted]
    return [*chain(*own), *branch.given, *pair, *beside, *given]


def _outputs(outputs: Iterable[str]) -> list[str]:
    return [f"{_OUTPUT}.{name}" for name in outputs] or [_OUTPUT]


def input_values(files: Mapping[str, object], mates: str | None) -> dict[str, object]:
    """Return the values of the placeholders for a task's further files, of which `mates` is the pair's."""
    return {f"{_INPUT}{name}" if name == mates else name: file for name, file in files.items()}


def placeholder_faults(
    command: Sequence[str] | None,
    known: Sequence[str],
    parameters: Mapping[str, Parameter],
    outputs: Iterable[str] = (),
) -> Iterator[str]:
    """Yield what is wrong with the placeholders of a command that writes `outputs`, by name, or else one.

    `known` are all that there are.
    """
    if command is None:
        return
    wanted = _outputs(outputs)
    used = []
    for word in command:
        try:
            used += fields(word)
            yield from _embedded_lists(word, parameters)
        except ValueError as error:
            yield f"{word!r}: {error}; write {{{{ and }}}} for braces"
    for name in used:
        yield from _unknown(name, known, parameters)
    for name in wanted:
        if name not in used:
            yield f"must name {{{name}}}, the file that the program writes"


def _embedded_lists(word: str, parameters: Mapping[str, Parameter]) -> Iterator[str]:
    for name in fields(word):
        parameter = parameters.get(name.removeprefix(_PARAMETER)) if name.startswith(_PARAMETER) else None
        if parameter and parameter.type is ParameterType.LIST and word != f"{{{name}}}":
            yield f"{word!r}: {{{name}}} is a list: give it a word of its own; each item becomes a word"


def _unknown(name: str, known: Sequence[str], parameters: Mapping[str, Parameter]) -> Iterator[str]:
    if name not in known:
        yield f"{{{name}}} is unknown; there are: {', '.join(f'{{{placeholder}}}' for placeholder in known)}"
    elif name.startswith(_PARAMETER) and parameters[name.removeprefix(_PARAMETER)].default is None:
        yield f"{{{name}}} may be absent from a run: give the parameter a default"
