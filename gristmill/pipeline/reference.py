"""docs/pipeline-yaml.md: every field of `pipeline.yaml`, written from its schema (`make reference`)."""

import sys
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from gristmill.pipeline.branch import Branch
from gristmill.pipeline.chain import Chain
from gristmill.pipeline.check import Check
from gristmill.pipeline.expects import Expects
from gristmill.pipeline.fields import WORDS, Closed, Effect
from gristmill.pipeline.inputs import Accepts, Input
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.outputs import Output
from gristmill.pipeline.schema import schema
from gristmill.pipeline.stage import Split, Stage

_INTRO = """# Every field of `pipeline.yaml`

Written by `make reference` from the schema that `gristmill pipelines schema` prints. [The
course](pipelines.md#the-course) shows them at work. A field that is not here is refused, with those there are.

The column *a change* says what becomes of finished work if you change the field and [resume with the
change](pipelines.md#changing-a-pipeline-and-going-on): with **redo**, the branch and all that read it are done again;
with *keep*, every finished task is kept. What a field holds has columns of its own.
"""
PARTS: list[type[Closed]] = [Pipeline, Accepts, Input, Parameter, Stage, Split, Branch, Output, Expects, Check, Chain]
_NAMES = [part.__name__ for part in PARTS]
_HEAD = "| field | values | default | a change | meaning | example |\n|---|---|---|---|---|---|"
_EFFECTS = {Effect.REDO: "**redo**", Effect.KEEP: "*keep*"}

Schema = Mapping[str, Any]


def reference() -> str:
    """Return the page, in Markdown."""
    made = schema()
    parts = made["$defs"]
    objects = {part: parts.get(part.__name__, made) for part in PARTS}
    return _INTRO + "".join(_section(part, definition, parts) for part, definition in objects.items())


def _section(part: type[Closed], definition: Schema, parts: Schema) -> str:
    required = definition.get("required", [])
    rows = "\n".join(
        _row(name, field, definition["properties"][name], name in required, parts)
        for name, field in fields_of(part).items()
    )
    return f"\n## {part.__name__}\n\n{definition['description']}\n\n{_HEAD}\n{rows}\n"


def fields_of(part: type[Closed]) -> dict[str, FieldInfo]:
    """Return the fields of a part of a pipeline, as they are called in YAML."""
    return {field.alias or name: field for name, field in part.model_fields.items()}


def _row(name: str, field: FieldInfo, definition: Schema, required: bool, parts: Schema) -> str:
    cells = (
        f"`{name}`",
        values(definition, parts),
        "required" if required else _default(definition),
        next(_EFFECTS[mark] for mark in field.metadata if isinstance(mark, Effect)),
        definition["description"],
        f"`{_line(name, example(field))}`",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def example(field: FieldInfo) -> Any:
    """Return what a field may hold, as it stands beside its description; None where nothing does."""
    return next(iter(field.examples or ()), None)


def _line(name: str, value: Any) -> str:
    text = yaml.safe_dump({name: value}, default_flow_style=True, sort_keys=False, width=10_000)
    return text.strip().removeprefix("{").removesuffix("}")


def _default(definition: Schema) -> str:
    default = definition.get("default")
    if default is None or default in ({}, [], "") or isinstance(default, dict):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def values(definition: Schema, parts: Schema) -> str:
    """Return what a field may hold, in words."""
    if "$ref" in definition:
        return _named(definition["$ref"].rpartition("/")[2], parts)
    if "anyOf" in definition:
        *others, last = (values(choice, parts) for choice in definition["anyOf"] if choice.get("type") != "null")
        these = "; or ".join(others)
        return "; or ".join([*others, last.replace(f"list of {these}", "list of these") if others else last])
    if "const" in definition:
        return f"`{definition['const']}`"
    if "pattern" in definition:
        return WORDS[definition["pattern"]]
    kind = definition.get("type", "any value")
    if kind == "array":
        items = values(definition["items"], parts).replace("a name of", "names of", 1)
        return f"list of {items}{_bounds(definition, 'minItems', 'maxItems')}"
    if kind == "object":
        ((pattern, inner),) = definition["patternProperties"].items()
        return f"mapping of {WORDS[pattern].replace('a name', 'names', 1)}, to {values(inner, parts)} each"
    if kind == "string":
        return f"text{_bounds(definition, 'minLength', 'maxLength')}{' characters' * ('maxLength' in definition)}"
    words = {"boolean": "true or false"}
    return f"{words.get(kind, kind)}{_bounds(definition, 'minimum', 'maximum')}"


def _named(name: str, parts: Schema) -> str:
    choices = parts[name].get("enum")
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    return f"[{name}](#{name.lower()})" if name in _NAMES else "any value"


def _bounds(definition: Schema, least: str, most: str) -> str:
    low, high = definition.get(least), definition.get(most)
    if low is None:
        return "" if high is None else f", at most {high:,}"
    return f", {low:,} to {high:,}" if high is not None else f", {low:,} or more"


if __name__ == "__main__":
    sys.stdout.write(reference())
