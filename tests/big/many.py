"""Prints, as JSON, what objects of the embedded S3 cost in time and memory as their number grows to 100,000."""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MANY, FEW = 100_000, 1_000
BUCKET = "many"


def resident() -> int:
    """Return the bytes of memory that this process has."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def seconds(call: Callable[[], Any]) -> float:
    """Return the least time that a call takes of a few."""
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def measure(backend: Any) -> dict[str, float]:
    bucket = backend.get_bucket(BUCKET)

    def put(first: int, end: int) -> float:
        begun = time.perf_counter()
        for number in range(first, end):
            backend.put_object(BUCKET, f"prefix/{number % 100:02}/{number:06}", b"%d" % number).etag  # noqa: B018
        return (time.perf_counter() - begun) / (end - first)

    def delete(first: int, end: int) -> None:
        for number in range(first, end):
            backend.delete_object(BUCKET, f"prefix/{number % 100:02}/{number:06}")

    def page() -> Any:
        return backend.list_objects_v2(bucket, "prefix/", None, None, "prefix/00/000100", 500)

    def versions() -> Any:
        return backend.list_object_versions(BUCKET, max_keys=500, prefix="prefix/", key_marker="prefix/00/000100")

    before = resident()
    seen = {"first_puts": put(0, FEW), "first_page": seconds(page), "first_versions": seconds(versions)}
    put(FEW, MANY - FEW)
    seen |= {"last_puts": put(MANY - FEW, MANY), "last_page": seconds(page), "last_versions": seconds(versions)}
    most = resident()
    delete(0, MANY)
    for _ in range(2):
        put(0, MANY // 4)
        delete(0, MANY // 4)
    return {**seen, "bytes_an_object": (most - before) / MANY, "growth_by_more": (resident() - most) / MANY}


def main() -> None:
    from embedded_aws.server.app import close_app, create_app
    from embedded_aws.settings.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        create_app(Settings(data=Path(folder)))
        from moto.s3.models import s3_backends

        backend = s3_backends["123456789012"]["aws"]
        backend.create_bucket(BUCKET, "us-east-1")
        json.dump(measure(backend), sys.stdout)
        close_app()


if __name__ == "__main__":
    main()
