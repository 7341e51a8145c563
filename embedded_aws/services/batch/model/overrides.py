"""A definition's container with a request's overrides, its references replaced. Pure."""

import re

from embedded_aws.services.batch.model.resources import Json, Needs

_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def merged(base: Json, overrides: Json, parameters: Json) -> Json:
    """Return the container of a definition with a request's overrides, its references replaced."""
    container = dict(base)
    if overrides.get("command"):
        container["command"] = overrides["command"]
    container["environment"] = _by_name(
        container.get("environment", []), overrides.get("environment", []), "name", "value"
    )
    container["resourceRequirements"] = _by_name(
        container.get("resourceRequirements", []), overrides.get("resourceRequirements", []), "type", "value"
    )
    for name, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        # the old members count only where the definition uses them too (API reference, ContainerOverrides)
        if overrides.get(name) and kind not in {
            requirement["type"] for requirement in base.get("resourceRequirements", [])
        }:
            container[name] = overrides[name]
    container["command"] = [substitute(word, parameters) for word in container.get("command", [])]
    return container


def _by_name(under: list[Json], over: list[Json], name: str, value: str) -> list[Json]:
    merged = {item[name]: item.get(value, "") for item in [*under, *over]}
    return [{name: key, value: text} for key, text in merged.items()]


def substitute(word: str, parameters: Json) -> str:
    """Replace each `Ref::name` that has a value; one without stays, as on AWS."""
    return _REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word)


def needs_of(container: Json) -> Needs:
    """Return what a container asks for."""
    asked: Json = {requirement["type"]: requirement["value"] for requirement in container["resourceRequirements"]}
    vcpus = float(asked.get("VCPU") or container.get("vcpus") or 1)
    return Needs(vcpus, int(asked.get("MEMORY") or container.get("memory") or 0), int(asked.get("GPU") or 0))
