"""A merge moves no data: what is large is copied by the store itself, and only small ends pass through here."""

from collections import Counter
from typing import Any

from gristmill.limits import MIB, S3_PART_MIN
from gristmill.storage import Piece, Storage


def watch(store: Storage) -> Counter[str]:
    """Count the client's calls by operation, and the bytes that it sends and asks for."""
    seen: Counter[str] = Counter()

    def note(model: Any, params: dict[str, Any], **_more: Any) -> None:
        seen[model.name] += 1
        body = params.get("body") or b""
        seen["sent"] += len(body) if isinstance(body, bytes) else body.seek(0, 2) - body.seek(0)
        first, _, last = params["headers"].get("Range", "bytes=0--1")[6:].partition("-")
        seen["asked"] += int(last or first) - int(first) + 1

    store.client.meta.events.register("before-call.s3", note)
    return seen


def test_large_segments_are_joined_inside_the_store(store: Storage):
    sizes = [6 * MIB, 100, 12 * MIB, 200, 300]
    bodies = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    for number, body in enumerate(bodies):
        store.put(f"runs/r/{number}", body)
    seen = watch(store)
    pieces = [Piece(f"runs/r/{number}", 0, size) for number, size in enumerate(sizes)]
    store.compose("results/all", pieces, {}, "runs/r/merging/")
    assert seen["UploadPartCopy"] == 2
    assert seen["sent"] <= 2 * S3_PART_MIN + MIB  # gathered small pieces, and the multipart request's own text
    assert seen["asked"] <= 2 * S3_PART_MIN
    assert store.read("results/all") == b"".join(bodies)
