"""What is dropped, and what must come of it."""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gristmill import keys
from gristmill.runs.request import read_request
from tests.simulation.bucket import BUCKET

PLAIN, GZIP = "a.txt", "a.txt.gz"
_Right = Callable[[bytes], bool]


@dataclass(frozen=True)
class Dropped:
    """A dropped file: its event, its run, and by key what tells whether a result is right."""

    run: str
    pipeline: str
    event: dict[str, Any]
    prefix: str
    right: dict[str, _Right]
    max_cost: float | None
    may_succeed: bool  # False where a job loses records without a word
    lacking: dict[str, _Right] = field(default_factory=dict)  # as `right`, where the task of the first line is left out

    def is_fit(self, key: str, body: bytes) -> bool:
        """Return whether a result is as it may be at some moment: whole, or without what may be left out."""
        return any(fits[key](body) for fits in (self.right, self.lacking) if key in fits)


def draw(random: Random, failing: bool) -> tuple[str, bytes, dict[str, str], str]:
    """Return a pipeline, the body of a file, its metadata, and its name."""
    pipeline = random.choice(["pairs", "pairs", "stages", "drift", "nodes", "lenient"])
    body = b"".join(b"line %d of it\n" % number for number in range(random.randint(1, 7)))
    metadata = {"lines-per-task": str(random.randint(1, 4))}
    if failing and pipeline in ("pairs", "nodes"):
        metadata["failing"] = str(random.choice([1, 2, 5]))
        if pipeline == "pairs" and random.random() < 0.2:
            metadata["losing"] = "1000"
    if failing and pipeline == "lenient":
        metadata["failing"] = str(random.choice([1, 2, 12]))
    if random.random() < 0.1:
        metadata["max-cost"] = "0.0000001"
    if pipeline == "stages" and random.random() < 0.5:
        middle = random.randrange(len(body))
        members = [gzip.compress(half, mtime=0) for half in (body[:middle], body[middle:])]
        return pipeline, b"".join(members), metadata, GZIP
    return pipeline, body, metadata, PLAIN


def event_of(key: str, body: bytes, etag: str, version: str) -> dict[str, Any]:
    """Return the event of an object, as EventBridge has it."""
    made = {"key": key, "size": len(body), "etag": etag, "version-id": version, "sequencer": "00"}
    detail = {"bucket": {"name": BUCKET}, "object": made, "requester": "me"}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def dropped(event: dict[str, Any], pipeline: str, name: str, body: bytes, metadata: dict[str, str]) -> Dropped:
    run = read_request(event, BUCKET).run
    prefix = keys.results_prefix(pipeline, name, run)
    plain = gzip.decompress(body) if name == GZIP else body
    lines = plain.split(b"\n")[:-1]
    results = {f"{prefix}{branch}.txt": right for branch, right in _right(pipeline, lines).items()}
    ceiling = float(metadata["max-cost"]) if "max-cost" in metadata else None
    rest = lines[int(metadata["lines-per-task"]) :] if pipeline == "lenient" and int(metadata.get("failing", 0)) else []
    lacking = {f"{prefix}{branch}.txt": fits for branch, fits in _right(pipeline, rest).items()} if rest else {}
    return Dropped(run, pipeline, event, prefix, results, ceiling, "losing" not in metadata, lacking)


def _right(pipeline: str, lines: list[bytes]) -> dict[str, _Right]:
    """Return what tells the right results of each branch."""
    if pipeline == "pairs":
        return {
            "twice": _is(b"".join(line * 2 + b"\n" for line in lines)),
            "back": _is(b"".join(line[::-1] + b"\n" for line in lines)),
        }
    if pipeline == "lenient":
        same = _is(b"".join(line + b"\n" for line in lines))
        counted = _is(b"".join(b"%d %s\n" % (len(line) + 1, line) for line in lines))
        sizes = _is(b"".join(b"%d\n" % (len(line) + 1) for line in lines))
        return {"picked": same, "counted": counted, "packed.text": same, "packed.sizes": sizes}
    upper = [line.upper() + b"\n" for line in lines]
    if pipeline == "stages":
        counted = b"".join(b"%d %s" % (len(line), line) for line in upper)
        return {"upper": _is(b"".join(upper)), "counted": _is(counted)}
    if pipeline == "nodes":
        return {"solved": lambda body: _solved(lines, body), "counted": lambda body: _counted(lines, body)}
    whole = re.compile(b"".join(rb"<[0-9]+\.*\|%s>\n" % re.escape(line) for line in lines))
    return {"drifted": lambda body: whole.fullmatch(body) is not None}


def _is(wanted: bytes) -> _Right:
    return lambda body: body == wanted


def _solved(lines: list[bytes], body: bytes) -> bool:
    """Return whether each line stands behind the number of one and the same try."""
    nth = body.partition(b":")[0]
    return nth.isdigit() and body == b"".join(nth + b":" + line + b"\n" for line in lines)


def _counted(lines: list[bytes], body: bytes) -> bool:
    """Return whether each line of a right output of the nodes stands behind its length."""
    pairs = [line.partition(b" ") for line in body.splitlines(keepends=True)]
    is_right = all(count == b"%d" % len(line) for count, _, line in pairs)
    return is_right and _solved(lines, b"".join(line for _, _, line in pairs))
