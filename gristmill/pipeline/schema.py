"""The JSON Schema of `pipeline.yaml`, for editors; made from the model, so there is no second copy to keep true."""

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


def fields_at(place: Place) -> list[str]:
    """Return the fields of the object at a place of a `pipeline.yaml`."""
    made = Pipeline.model_json_schema()
    here = made
    for step in place:
        here = _resolved(_inner(here, step), made)
    return list(here["properties"])


def _inner(here: dict[str, Any], step: str | int) -> Any:
    if isinstance(step, int):
        return here["items"]
    (named,) = here.get("patternProperties", {None: here.get("properties", {}).get(step)}).values()
    return named


def _resolved(here: Any, made: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its reference followed, which may be one of several choices."""
    choices = here.get("anyOf", [here])
    names = [choice["$ref"].rpartition("/")[2] for choice in choices if "$ref" in choice]
    found: dict[str, Any] = made["$defs"][names[0]] if names else here
    return found
