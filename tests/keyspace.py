"""Every key and prefix that `gristmill.keys` builds, found in the module itself, with a `*` for each name in it."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from gristmill import keys
from gristmill.enums import NodeMessage, RunStatus

RUN = "0123456789abcdef"
# what each parameter is filled with; a name that is not here breaks the tests that use this
_GIVEN: dict[str, Any] = {
    "run": RUN,
    "stage": "*",
    "branch": "*",
    "output": "vcf",
    "fingerprint": "*",
    "generation": 0,
    "digest": "*",
    "pipeline": "*",
    "identity": "*",
    "name": "*",
    "file": "*",
    "id_": "*",
    "kind": "json",
    "folder": f"{keys.JOBS}*/",
    "function": "*",
    "until": 1,
    "request": "*",
    "execution_name": "*",
    "attempt": 1,
    "task": 1,
    "group": 0,
    "span": keys.Span(0, 1),
    "figures": [1, 2, 3, 4, 5],
    "segment": f"{keys.WORK}{RUN}/*/*/*/segments/{keys.Span(0, 1)}",
    "message": NodeMessage.NODE,
    "node": 1,
    "key": "*",
    "lock_digest": "*",
    "abi": "*",
    "number": 1,
    "place": keys.Place(1, 1),
    "end": keys.End(keys.Place(1, 1), RunStatus.FAILED),
}
_OWNERS = (
    keys.StageKeys(RUN, "*", "*"),
    keys.BranchKeys(RUN, "*", "*", "*"),
    keys.Rendezvous(RUN, "*", 1),
    keys.Rendezvous("jobs", "*", 1),
)


def every_key() -> set[str]:
    """Return all keys and prefixes, as patterns; whatever has no slash is no key, but a name in one."""
    built = {value for name in keys.__all__ if isinstance(value := getattr(keys, name), str)}
    for name in keys.__all__:
        value = getattr(keys, name)
        if inspect.isfunction(value):
            built |= set(_strings(value))
    for owner in _OWNERS:
        for name, member in inspect.getmembers(type(owner)):
            if isinstance(member, property):
                built |= {text for text in [getattr(owner, name)] if isinstance(text, str)}
            elif inspect.isfunction(member) and not name.startswith("_"):
                built |= set(_strings(getattr(owner, name)))
    return {text for text in built if "/" in text}


def _strings(function: Callable[..., Any]) -> Iterator[str]:
    """Yield what a function builds, if that is a text; one that takes keys apart builds no key, nor one of a name."""
    signature, name = inspect.signature(function), function.__name__
    if signature.return_annotation in (str, "str") and not name.startswith("parse_") and not name.endswith("_name"):
        yield function(*(_GIVEN[parameter] for parameter in signature.parameters))
