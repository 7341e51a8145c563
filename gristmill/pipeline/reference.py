"""docs/pipeline-yaml.md: every field of `pipeline.yaml`, written from its schema (`make reference`)."""

import sys
from collections.abc import Mapping
from typing import Any

from gristmill.pipeline.schema import schema

_INTRO = """# Every field of `pipeline.yaml`

Written by `make reference` from the schema that `gristmill pipelines schema` prints. [Write your own
pipeline](pipelines.md) shows them at work. A field that is not here is refused, with those there are.
"""
_OUTERMOST = "Pipeline"
_ORDER = ("Accepts", "Parameter", "Stage", "Split", "Branch", "Expects")

Schema = Mapping[str, Any]


def reference() -> str:
    """Return the page, in Markdown."""
    made = schema()
    parts = made["$defs"]
    objects = {_OUTERMOST: made, **{name: parts[name] for name in _ORDER}}
    return _INTRO + "".join(_section(name, one, parts) for name, one in objects.items())


def _section(name: str, one: Schema, parts: Schema) -> str:
    required = one.get("required", [])
    rows = "\n".join(_row(field, told, field in required, parts) for field, told in one["properties"].items())
    head = "| field | values | default | meaning |\n|---|---|---|---|"
    return f"\n## {name}\n\n{one['description']}\n\n{head}\n{rows}\n"


def _row(field: str, told: Schema, required: bool, parts: Schema) -> str:
    cells = (f"`{field}`", values(told, parts), "required" if required else _default(told), told["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(told: Schema) -> str:
    default = told.get("default")
    if default is None or default in ({}, []) or isinstance(default, dict):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def values(told: Schema, parts: Schema) -> str:
    """Return what a field may hold, in words."""
    if "$ref" in told:
        return _named(told["$ref"].rpartition("/")[2], parts)
    if "anyOf" in told:
        return "; or ".join(values(one, parts) for one in told["anyOf"] if one.get("type") != "null")
    if "const" in told:
        return f"`{told['const']}`"
    if "pattern" in told:
        return f"text like `{told['pattern']}`"
    kind = told.get("type", "any value")
    if kind == "array":
        return f"list of {values(told['items'], parts)}{_bounds(told, 'minItems', 'maxItems')}"
    if kind == "object":
        ((pattern, inner),) = told["patternProperties"].items()
        return f"{values(inner, parts)} by name; a name is like `{pattern}`"
    words = {"boolean": "true or false", "string": "text"}
    return f"{words.get(kind, kind)}{_bounds(told, 'minimum', 'maximum')}"


def _named(name: str, parts: Schema) -> str:
    choices = parts[name].get("enum")
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    return f"[{name}](#{name.lower()})" if name in _ORDER else "any value"


def _bounds(told: Schema, least: str, most: str) -> str:
    low, high = told.get(least), told.get(most)
    if low is None:
        return ""
    return f", {low:,} to {high:,}" if high is not None else f", {low:,} or more"


if __name__ == "__main__":
    sys.stdout.write(reference())
