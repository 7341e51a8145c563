"""Finding and reading pipelines. All faults of a file are reported at once, each with its line."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gristmill.errors import Refused
from gristmill.humanize import did_you_mean
from gristmill.pipeline.expand import expand
from gristmill.pipeline.fault import Place
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.rules import faults
from gristmill.pipeline.schema import fields_at
from gristmill.project import SEARCH_PATH, package_folder

FILE = "pipeline.yaml"
_BUILT_IN = "batch_jobs"


def roots(environment: Mapping[str, str], source: Path | None = None) -> list[Path]:
    """Return the folders that hold pipelines: those of the packages at `source`, then those of GRISTMILL_PIPELINES.

    `source` is by default where this package lies.
    """
    more = environment.get(SEARCH_PATH, "")
    return [(source or package_folder()) / _BUILT_IN, *(Path(folder) for folder in more.split(os.pathsep) if folder)]


def names(roots: Sequence[Path]) -> list[str]:
    """Return the names of all pipelines, sorted."""
    return sorted({file.parent.name for root in roots for file in root.glob(f"*/{FILE}")})


def find(name: str, roots: Sequence[Path]) -> Path:
    """Return a pipeline's file; Refused where there is no such pipeline, naming those there are."""
    for root in roots:
        file = root / name / FILE
        if name and "/" not in name and file.is_file():
            return file
    known = names(roots)
    there = ", ".join(known) or "none"
    raise Refused([f"there is no pipeline {name!r}; there are: {there}{did_you_mean(name, known)}"])


def load(name: str, roots: Sequence[Path]) -> Pipeline:
    """Return a pipeline; Refused with every fault of its file."""
    return read(find(name, roots))


def read(file: Path) -> Pipeline:
    """Read a `pipeline.yaml`; Refused with every fault as `file:line: field: rule`."""
    return expand(parse(file)[0])


def parse(file: Path) -> tuple[Pipeline, yaml.Node | None]:
    """Return a `pipeline.yaml` as it is written, and the tree that knows its lines; Refused as `read`."""
    try:
        text = file.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.load(text, Loader=_Strict)  # noqa: S506 - _Strict is a SafeLoader
    except UnicodeDecodeError as error:
        raise Refused([f"{file}: not UTF-8 (byte {error.start:,})"]) from error
    except yaml.YAMLError as error:
        raise Refused([f"{file}: {error}"]) from error
    try:
        pipeline = Pipeline.model_validate(content)
    except ValidationError as error:
        found = [(tuple(broken["loc"]), _sentence(broken)) for broken in error.errors()]
        raise Refused([at(file, tree, place, what) for place, what in found]) from error
    found = list(faults(pipeline))
    if pipeline.name != file.parent.name:
        found.append((("name",), f"is {pipeline.name}, but the folder is called {file.parent.name}"))
    if found:
        raise Refused([at(file, tree, place, what) for place, what in found])
    return pipeline, tree


def _sentence(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        *place, field = error["loc"]
        known = fields_at(tuple(place))
        return f"there is no such field; there are: {', '.join(known)}{did_you_mean(str(field), known)}"
    given = f" (given: {error['input']!r})" if error["type"] != "missing" else ""
    return f"{error['msg'].removeprefix('Value error, ')}{given}"


def at(file: Path, tree: yaml.Node | None, place: Place, what: str) -> str:
    """Return a fault as people read it: file, line, field and sentence."""
    field = ".".join(str(step) for step in place if not _is_union_tag(step))
    return f"{file}:{_line(tree, place)}: {field or 'the file'}: {what}"


def _is_union_tag(step: str | int) -> bool:
    """Tell the names that pydantic adds for the members of a union from fields."""
    return isinstance(step, str) and ("constrained" in step or "[" in step or step in ("int", "str", "float", "bool"))


def _line(node: yaml.Node | None, place: Place) -> int:
    """Return the line of a place, or of the nearest thing around it that is there."""
    if node is None:
        return 1
    for step in place:
        inner = _step(node, step)
        if inner is None:
            break
        node = inner
    return node.start_mark.line + 1


def _step(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None


class _Strict(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, where YAML would let the last one win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
