"""Finding and reading pipelines. All faults of a file are reported at once, each with its line."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gristmill import printable
from gristmill.errors import Refused
from gristmill.humanize import did_you_mean
from gristmill.pipeline.expand import expand
from gristmill.pipeline.fault import Place
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.rules import faults
from gristmill.pipeline.sentences import schema_faults
from gristmill.project import SEARCH_PATH, package_folder
from gristmill.strict_yaml import StrictLoader

FILE = "pipeline.yaml"
BUILT_IN_NAME = "batch_jobs"


def roots(environment: Mapping[str, str], source: Path | None = None) -> list[Path]:
    """Return the folders that hold pipelines: those of the packages at `source`, then those of GRISTMILL_PIPELINES.

    `source` is by default where this package lies.
    """
    more = environment.get(SEARCH_PATH, "")
    return [
        (source or package_folder()) / BUILT_IN_NAME,
        *(Path(folder) for folder in more.split(os.pathsep) if folder),
    ]


def names(roots: Sequence[Path]) -> list[str]:
    """Return the names of all pipelines, sorted."""
    return sorted({file.parent.name for root in roots for file in root.glob(f"*/{FILE}") if file.is_file()})


def find(name: str, roots: Sequence[Path]) -> Path:
    """Return a pipeline's file, the first there is; Refused without one, naming those there are.

    The first of `roots` holds the built-in pipelines: Refused where another folder has one of their names.
    """
    files = [root / name / FILE for root in roots] if name and "/" not in name else []
    found = list(dict.fromkeys(file.resolve() for file in files if file.is_file()))
    if len(found) > 1 and found[0] == files[0].resolve():
        shadow = f"{found[1].parent} has the name of the built-in pipeline {name}"
        raise Refused([shadow], "Give it another name, the folder and `name` in its pipeline.yaml alike.")
    if found:
        return next(file for file in files if file.is_file())
    known = names(roots)
    there = ", ".join(known) or "none"
    raise Refused([f"there is no pipeline {name!r}; there are: {there}{did_you_mean(name, known)}"])


def load(name: str, roots: Sequence[Path]) -> Pipeline:
    """Return a pipeline; Refused with every fault of its file."""
    return read(find(name, roots))


def read(file: Path) -> Pipeline:
    """Read a `pipeline.yaml`; Refused with every fault as `file:line: field: rule`."""
    return expand(parse(file)[0])


def read_content(content: bytes, file: Path) -> Pipeline:
    """Return the pipeline that a `pipeline.yaml` with this content describes; Refused as `read`."""
    return expand(_parse(content, file)[0])


def parse(file: Path) -> tuple[Pipeline, yaml.Node | None]:
    """Return a `pipeline.yaml` as it is written, and the tree that knows its lines; Refused as `read`."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Refused([f"{file}: cannot be read: {error.strerror}"]) from error
    return _parse(content, file)


def _parse(raw: bytes, file: Path) -> tuple[Pipeline, yaml.Node | None]:
    content, tree = _read_yaml(raw, file)
    try:
        pipeline = Pipeline.model_validate(content)
    except ValidationError as error:
        wrong = schema_faults(error.errors(include_url=False))
        raise Refused([at(file, tree, place, what) for place, what in wrong]) from error
    found = list(faults(pipeline))
    if pipeline.name != file.parent.name:
        found.append((("name",), f"is {pipeline.name}, but the folder is called {file.parent.name}"))
    if found:
        raise Refused([at(file, tree, place, what) for place, what in found])
    return pipeline, tree


def _read_yaml(raw: bytes, file: Path) -> tuple[Any, yaml.Node | None]:
    """Return what a file holds, and the tree that knows its lines; Refused, in one line, where it is no YAML."""
    try:
        text = raw.decode()
        return yaml.load(text, Loader=StrictLoader), yaml.compose(text, Loader=StrictLoader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise Refused([f"{file}: not UTF-8 (byte {error.start:,}); save it as UTF-8"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise Refused([f"{file}{line}: not YAML as it should be: {printable.short(_why_no_yaml(error))}"]) from error
    except yaml.reader.ReaderError as error:
        what = f"character {error.position + 1:,} is {error.character:#x}, which YAML does not allow"
        raise Refused([f"{file}: {what}"]) from error


def _why_no_yaml(error: yaml.MarkedYAMLError) -> str:
    if "'\\t'" in str(error.problem):
        return "a tab begins something here; indent with blanks"
    if str(error.problem).startswith("could not determine a constructor"):
        return f"it has {str(error.problem).rpartition(' ')[2]}, a tag that means nothing here"
    if str(error.problem) == "but found another document":
        return "there is a second document (after ---); a pipeline is one"
    begun = f"{error.context} in line {error.context_mark.line + 1}" if error.context and error.context_mark else ""
    return ", ".join(text for text in (begun, error.problem) if text)


def at(file: Path, tree: yaml.Node | None, place: Place, what: str) -> str:
    """Return a fault as people read it: file, line, field and sentence."""
    field = printable.short(".".join(map(str, place)))
    return f"{file}:{_line(tree, place)}: {field or 'the file'}: {what}"


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
