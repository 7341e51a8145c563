"""What a run is found by among others: its tags, and the batch it belongs to, in the dropped object's user metadata.

Tags stand there as S3's own header has an object's: `sample=a1&site=north`, percent-encoded.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from gristmill.limits import TAG_NAME_MAX, TAG_VALUE_MAX, TAGS_MAX
from gristmill.pipeline import metadata as user_metadata
from gristmill.pipeline.metadata import encode
from gristmill.printable import line, short

TAGS, BATCH = "gristmill_tags", "gristmill_batch"
_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_.-]{{0,{TAG_NAME_MAX - 1}}}")
_BATCH = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{TAG_NAME_MAX - 1}}}")


def as_metadata(tags: Mapping[str, str], batch: str | None) -> dict[str, str]:
    """Return tags and batch as an object's user metadata has them."""
    found = {TAGS: urlencode(tags, quote_via=quote)} if tags else {}
    found |= {BATCH: batch} if batch is not None else {}
    return {name.replace("_", "-"): encode(text) for name, text in found.items()}


def read_tags(metadata: Mapping[str, str]) -> tuple[dict[str, str], str | None, list[str]]:
    """Return a run's tags and its batch, and what is wrong with them; then there are none."""
    texts, _ = user_metadata.read(metadata)  # what cannot be decoded is told with the parameters
    tags, faults = _parse(texts[TAGS]) if texts.get(TAGS) else ({}, [])
    faults += tag_faults(tags)
    batch = texts.get(BATCH)
    faults += batch_faults(batch) if batch is not None else []
    return ({}, None, faults) if faults else (tags, batch, [])


def _parse(text: str) -> tuple[dict[str, str], list[str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError:
        return {}, [f"tags: {short(text)!r} is not of the form NAME=VALUE&NAME=VALUE, percent-encoded"]
    names = [name for name, _ in pairs]
    return dict(pairs), [
        f"tag {short(name)!r} is given twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]


def tag_faults(tags: Mapping[str, str]) -> list[str]:
    """Return what is wrong with tags."""
    faults = [f"{len(tags)} tags: a run has at most {TAGS_MAX}"] if len(tags) > TAGS_MAX else []
    for name, value in tags.items():
        if not _NAME.fullmatch(name):
            faults.append(
                f"tag {short(name)!r}: a name has letters, digits and . _ -, at most {TAG_NAME_MAX}, a letter first"
            )
        if not 1 <= len(value) <= TAG_VALUE_MAX or line(value) != value:
            faults.append(f"tag {short(name)}: {short(value)!r} is not one line of 1 to {TAG_VALUE_MAX} characters")
    return faults


def batch_faults(batch: str) -> list[str]:
    """Return what is wrong with the name of a batch."""
    if _BATCH.fullmatch(batch):
        return []
    return [f"batch {short(batch)!r}: a name has letters, digits and . _ -, at most {TAG_NAME_MAX}"]
