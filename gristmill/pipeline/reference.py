"""docs/pipeline-yaml.md: every field of `pipeline.yaml`, written from its schema (`make reference`)."""

import sys
from collections.abc import Mapping
from typing import Any

from gristmill.pipeline.fields import WORDS
from gristmill.pipeline.schema import schema

_INTRO = """# Every field of `pipeline.yaml`

Written by `make reference` from the schema that `gristmill pipelines schema` prints. [Write your own
pipeline](pipelines.md) shows them at work. A field that is not here is refused, with those there are.
"""
_OUTERMOST = "Pipeline"
_ORDER = ("Accepts", "Input", "Parameter", "Stage", "Split", "Branch", "Output", "Expects", "Check", "Chain")

Schema = Mapping[str, Any]


def reference() -> str:
    """Return the page, in Markdown."""
    made = schema()
    parts = made["$defs"]
    objects = {_OUTERMOST: made, **{name: parts[name] for name in _ORDER}}
    return _INTRO + "".join(_section(name, definition, parts) for name, definition in objects.items())


def _section(name: str, definition: Schema, parts: Schema) -> str:
    required = definition.get("required", [])
    rows = "\n".join(_row(field, given, field in required, parts) for field, given in definition["properties"].items())
    head = "| field | values | default | meaning |\n|---|---|---|---|"
    return f"\n## {name}\n\n{definition['description']}\n\n{head}\n{rows}\n"


def _row(field: str, definition: Schema, required: bool, parts: Schema) -> str:
    cells = (
        f"`{field}`",
        values(definition, parts),
        "required" if required else _default(definition),
        definition["description"],
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


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
    return f"[{name}](#{name.lower()})" if name in _ORDER else "any value"


def _bounds(definition: Schema, least: str, most: str) -> str:
    low, high = definition.get(least), definition.get(most)
    if low is None:
        return "" if high is None else f", at most {high:,}"
    return f", {low:,} to {high:,}" if high is not None else f", {low:,} or more"


if __name__ == "__main__":
    sys.stdout.write(reference())
