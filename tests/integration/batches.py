"""Batches as a user drops them: a list of items, then the note."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gristmill import keys
from gristmill.batches.ends import read_progress
from tests.integration.mill import OWNER, Mill


def drop_batch(
    mill: Mill,
    pipeline: str,
    name: str,
    bodies: Mapping[str, bytes],
    each: Sequence[Mapping[str, str]] = (),
    **more: Any,
) -> str:
    """Upload files and the list of them, each with parameters of its own if there are any; drop the note."""
    s3, folder = mill.client("s3"), f"batch-{name}"
    lines = []
    for number, (file, body) in enumerate(bodies.items(), 1):
        key = keys.upload(folder, f"{file}.txt")
        s3.put_object(Bucket=mill.bucket, Key=key, Body=body)
        own = dict(each[number - 1]) if each else {}
        lines.append(json.dumps({"n": number, "name": file, "input": key, "params": own}))
    listed = keys.upload(folder, "items.jsonl")
    s3.put_object(Bucket=mill.bucket, Key=listed, Body="\n".join(lines).encode())
    note = {"contract": 1, "items": {"key": listed}, "owner": OWNER, **more}
    return mill.put(keys.batch_note_key(pipeline, name), json.dumps(note).encode(), {})


def statuses(mill: Mill, run: str) -> dict[int, str]:
    """Return what the items of a batch came to."""
    return {item: str(status) for item, status in sorted(read_progress(mill.store, run).ended.items())}
