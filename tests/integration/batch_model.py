"""Holds the bytes of Batch's answers against the service's own model, stricter than any client does."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.session import get_session

MODEL = get_session().get_service_model("batch")
TYPES = {"string": str, "integer": int, "long": int, "float": (int, float), "double": (int, float), "boolean": bool}


def faults(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Yield each member that the model does not know, that is missing, or that has the wrong type."""
    if shape.type_name == "structure":
        yield from _structure_faults(value, shape, where)
    elif shape.type_name == "list" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, shape.member, f"{where}[{index}]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, item in value.items():
            yield from faults(item, shape.value, f"{where}.{key}")
    else:
        yield from _scalar_faults(value, shape, where)


def _structure_faults(value: Any, shape: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no structure"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, item in value.items():
        if name in shape.members:
            yield from faults(item, shape.members[name], f"{where}.{name}")
        else:
            yield f"{where}: {name} is unknown"


def _scalar_faults(value: Any, shape: Any, where: str) -> Iterator[str]:
    wanted = TYPES.get(shape.type_name)
    if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{where}: {value!r} is no {shape.type_name}"
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where}: {value!r} is none of {shape.enum}"


def watch(client: Any) -> tuple[list[str], set[str]]:
    """Check every answer that a client gets; return the faults and the names of the operations, as they come."""
    found: list[str] = []
    seen: set[str] = set()

    def check(http_response: Any, model: Any, **_: Any) -> None:
        seen.add(model.name)
        if http_response.status_code == 200:
            found.extend(faults(json.loads(http_response.content or b"{}"), model.output_shape, model.name))

    client.meta.events.register("after-call.batch", check)
    return found, seen
