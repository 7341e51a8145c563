"""Multi-node jobs: which properties a node has, and what AWS refuses in definitions and requests. Pure."""

import re
from collections.abc import Iterator, Sequence

from embedded_aws.services.batch.model.requirements import container_problems, override_problems
from embedded_aws.services.batch.model.resources import Definition, Json
from embedded_aws.settings.limits import BATCH_NODE_RANGES_MAX, BATCH_NODES_MAX

_RANGE = re.compile(r"(\d*):(\d*)|(\d+)")


def span(target: str, nodes: int) -> range:
    """Return the node indices that `n:m`, `n:`, `:m`, `:` or `n` means in a job of so many nodes; ValueError else."""
    match = _RANGE.fullmatch(target)
    if match is None:
        raise ValueError(f"targetNodes must be a range like 0:3, 0: or :3, not {target!r}")
    if match[3]:
        return range(int(match[3]), int(match[3]) + 1)
    return range(int(match[1] or 0), int(match[2]) + 1 if match[2] else nodes)


def is_open(target: str) -> bool:
    """Return whether a range goes on to the last node, however many there are."""
    return target.endswith(":")


def container_of(properties: Json, index: int) -> Json:
    """Return the container of a node; of nested ranges the narrower one counts."""
    nodes = properties["numNodes"]
    spans = [(span(group["targetNodes"], nodes), group) for group in properties["nodeRangeProperties"]]
    _, chosen = min(((len(where), place), group) for place, (where, group) in enumerate(spans) if index in where)
    container: Json = chosen["container"]
    return container


def definition_problems(request: Json) -> Iterator[str]:
    """Yield what AWS would refuse in a definition of type multinode."""
    properties = request.get("nodeProperties") or {}
    ranges = properties.get("nodeRangeProperties") or []
    nodes = properties.get("numNodes", 0)
    if request.get("containerProperties"):
        yield "A multinode job definition has nodeProperties, and no containerProperties"
    if not 1 <= nodes <= BATCH_NODES_MAX:
        yield f"numNodes must be between 1 and {BATCH_NODES_MAX}: {nodes}"
    if not 0 <= properties.get("mainNode", -1) < nodes:
        yield f"mainNode must be the index of a node, 0 to {nodes - 1}: {properties.get('mainNode')}"
    if not 1 <= len(ranges) <= BATCH_NODE_RANGES_MAX:
        yield f"A multinode job definition has 1 to {BATCH_NODE_RANGES_MAX} node ranges: {len(ranges)}"
    if not all("container" in group for group in ranges):
        yield "The embedded AWS runs nodes with `container`; ecsProperties and eksProperties are not supported"
    for group in ranges:
        yield from container_problems(group.get("container", {}))
    yield from _range_problems([group.get("targetNodes", "") for group in ranges], nodes)


def _range_problems(targets: Sequence[str], nodes: int) -> Iterator[str]:
    covered: set[int] = set()
    for target in targets:
        try:
            where = span(target, nodes)
        except ValueError as error:
            yield str(error)
            continue
        if not where or where.start >= nodes or where.stop > nodes:
            yield f"Node range {target} is not within the {nodes} nodes"
        covered.update(where)
    missing = sorted(set(range(nodes)) - covered)
    if targets and missing:
        yield f"Node ranges must account for all nodes; none has node {missing[0]}"


def request_problems(request: Json, definition: Definition) -> Iterator[str]:
    """Yield what AWS would refuse in a request because of its definition's type."""
    properties = definition.request.get("nodeProperties")
    overrides = request.get("nodeOverrides")
    if properties is None:
        for name in ("ecsPropertiesOverride", "eksPropertiesOverride"):
            if request.get(name):
                yield f"{name} is not for job definitions with containerProperties; use containerOverrides"
        if overrides is not None:
            yield "nodeOverrides are for multi-node parallel jobs; use containerOverrides"
        return
    for name in ("containerOverrides", "ecsPropertiesOverride", "eksPropertiesOverride"):
        if request.get(name):
            yield f"{name} must not be provided for multi-node parallel jobs; use nodeOverrides"
    if request.get("arrayProperties"):
        yield "A multi-node parallel job cannot be an array job"
    yield from _override_problems(overrides or {}, properties)


def _override_problems(overrides: Json, properties: Json) -> Iterator[str]:
    for override in overrides.get("nodePropertyOverrides", []):
        yield from override_problems(override.get("containerOverrides", {}))
    targets = [override["targetNodes"] for override in properties["nodeRangeProperties"]]
    asked = [override["targetNodes"] for override in overrides.get("nodePropertyOverrides", [])]
    strange = [target for target in asked if target not in targets]
    if strange:
        yield f"NodeOverride targets should match job definition. Non matching targets - {', '.join(strange)}"
    nodes = overrides.get("numNodes")
    if nodes is None:
        return
    if not any(map(is_open, targets)):
        yield (
            "NumNodes override can only be applied if the job definition has at least 1 target node without a "
            "range_end i.e (:) or (range_start:)."
        )
    elif not 1 <= nodes <= BATCH_NODES_MAX:
        yield f"numNodes must be between 1 and {BATCH_NODES_MAX}: {nodes}"
    if properties["mainNode"] >= nodes:
        yield f"The main node index {properties['mainNode']} must be less than numNodes {nodes}"
    for target in targets:
        if span(target, nodes).start >= nodes:
            yield f"The lower boundary of node range {target} must be less than numNodes {nodes}"


def overrides_of(request: Json, target: str) -> Json:
    """Return what a request overrides in the containers of a node range."""
    for override in request.get("nodeOverrides", {}).get("nodePropertyOverrides", []):
        if override["targetNodes"] == target:
            found: Json = override.get("containerOverrides", {})
            return found
    return {}
