"""What the operations share: refusals, looking things up by name or ARN, and paging."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from embedded_aws.services.batch.engine.engine import Engine
from embedded_aws.services.batch.model.resources import Json

PAGE = 100
Operation = Callable[[Json], Json]


class Refusal(Exception):
    """Raised for a request that AWS answers with a ClientException."""


class _Named(Protocol):
    name: str
    arn: str


Thing = TypeVar("Thing", bound=_Named)
Item = TypeVar("Item")


class Room:
    """Operations that share an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        settings = engine.settings
        self._arn = f"arn:aws:batch:{settings.region}:{settings.account}"


def refuse(broken: Iterable[str]) -> None:
    """Raise Refusal with everything that is broken, if anything is."""
    faults = "; ".join(broken)
    if faults:
        raise Refusal(faults)


def named(known: Iterable[Thing], wanted: Sequence[str] | None) -> list[Thing]:
    """Return the things of some names or ARNs; all where none are wanted."""
    return [thing for thing in known if not wanted or thing.arn in wanted or thing.name in wanted]


def find(known: Iterable[Thing], given: str, what: str) -> Thing:
    """Return the thing of a name or ARN; Refusal without one."""
    for thing in known:
        if given in (thing.arn, thing.name):
            return thing
    raise Refusal(f"{what} {given} does not exist")


def is_new(known: Iterable[Thing], name: str) -> None:
    """Raise Refusal where there is a thing of that name."""
    if any(thing.name == name for thing in known):
        raise Refusal(f"Object already exists: {name}")


def job_id(given: str) -> str:
    """Return a job's id, given that or its ARN."""
    return given.rpartition("job/")[2]


def page(items: Sequence[Item], request: Json, most: int = PAGE) -> tuple[Sequence[Item], dict[str, Any]]:
    """Return the items of the page that a request asks for, and the token of the next one, if there is one."""
    token = request.get("nextToken") or "0"
    if not token.isdecimal():
        raise Refusal(f"nextToken is not one that was given out: {token!r}")
    size = min(int(request.get("maxResults") or most), most)
    if size < 1:
        raise Refusal(f"maxResults must be between 1 and {most}: {size}")
    end = int(token) + size
    return items[int(token) : end], ({"nextToken": str(end)} if end < len(items) else {})
