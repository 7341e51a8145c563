"""The JSON Schema of `pipeline.yaml`, for editors; made from the model, so there is no second copy to keep true."""

from typing import Any

from gristmill.spec.model import Pipeline

_DIALECT = "https://json-schema.org/draft/2020-12/schema"  # what pydantic writes
_ONE_JOB = [{"required": [kind]} for kind in ("run", "command", "script", "mpi")]


def schema() -> dict[str, Any]:
    """Return the JSON Schema; what joins fields of different objects is left to `gristmill pipelines validate`."""
    made = Pipeline.model_json_schema()
    made["$defs"]["Branch"]["oneOf"] = _ONE_JOB
    return {"$schema": _DIALECT, **made, "title": "Gristmill pipeline.yaml"}
