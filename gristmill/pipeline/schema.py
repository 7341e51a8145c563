"""The JSON Schema of `pipeline.yaml`, for editors; made from the model, so there is no second copy to keep true."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from gristmill.pipeline.fault import Place
from gristmill.pipeline.model import Pipeline

_DIALECT = "https://json-schema.org/draft/2020-12/schema"  # what pydantic writes
_ONE_JOB = [{"required": [kind]} for kind in ("run", "command", "script", "mpi")]

_BOUNDS = [{"required": ["equals"]}, {"anyOf": [{"required": ["minimum"]}, {"required": ["maximum"]}]}]


def schema() -> dict[str, Any]:
    """Return the JSON Schema; what joins fields of different objects is left to `gristmill pipelines validate`."""
    made = Pipeline.model_json_schema()
    made["$defs"]["Branch"]["oneOf"] = _ONE_JOB
    made["$defs"]["Check"]["oneOf"] = _BOUNDS
    return {"$schema": _DIALECT, **made, "title": "Gristmill pipeline.yaml"}


cached_schema = cache(schema)


def find_definition(place: Sequence[str | int]) -> tuple[Place, Mapping[str, Any]]:
    """Return a place without the names that pydantic adds for members of a union, and what the schema says of it."""
    made = cached_schema()
    here: Mapping[str, Any] = made
    fields: list[str | int] = []
    for step in place:
        inner = next(filter(None, (_inner(choice, step) for choice in _choices(here, made["$defs"]))), None)
        if inner is not None:
            fields.append(step)
            here = inner
    return tuple(fields), here


def fields_of(definition: Mapping[str, Any]) -> list[str]:
    """Return the fields of what a definition says, of the object among its choices; none where there is none."""
    choices = _choices(definition, cached_schema()["$defs"])
    return list(next((choice["properties"] for choice in choices if "properties" in choice), ()))


def _choices(here: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for choice in here.get("anyOf", [here]):
        yield parts[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice


def _inner(here: Mapping[str, Any], step: str | int) -> Mapping[str, Any] | None:
    named: Mapping[str, Mapping[str, Any]] = here.get("patternProperties", {})
    fields: Mapping[str, Mapping[str, Any]] = here.get("properties", {})
    items: Mapping[str, Any] | None = here.get("items")
    if isinstance(step, int):
        return items
    return next(iter(named.values()), fields.get(step))
