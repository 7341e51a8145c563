"""Listings of the bucket, in pages, as calls of the client."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.simulation.objects import Objects


class Listings(Objects):
    """The part of the client that lists."""

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "") -> Any:
        def act() -> dict[str, Any]:
            at = format_datetime(datetime.fromtimestamp(self.world.kernel.now, UTC), usegmt=True)
            found = [self._listed(key) for key in self._keys(Prefix, "")]
            return {"Contents": found[:1000], "ResponseMetadata": {"HTTPHeaders": {"date": at}}}

        return self.call("LIST", Prefix, act)

    def get_paginator(self, name: str) -> "Listings":
        assert name == "list_objects_v2", name
        return self

    def paginate(self, *, Bucket: str, Prefix: str = "", StartAfter: str = "", Delimiter: str = "") -> Iterator[Any]:
        """Yield pages; what changes between two of them shows or not, as in S3."""
        if Delimiter:
            yield self.call("LIST", Prefix, lambda: self._folders(Prefix, Delimiter))
            return
        after, size = StartAfter, self.world.trouble.page
        while True:
            keys = self.call(
                "LIST", Prefix, lambda start=after: [self._listed(key) for key in self._keys(Prefix, start)[: size + 1]]
            )
            yield {"Contents": keys[:size]}
            if len(keys) <= size:
                return
            after = keys[size - 1]["Key"]

    def _keys(self, prefix: str, after: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix) and key > after)

    def _listed(self, key: str) -> dict[str, Any]:
        found = self.objects[key]
        return {"Key": key, "Size": len(found.body), "ETag": f'"{found.etag}"'}

    def _folders(self, prefix: str, delimiter: str) -> dict[str, Any]:
        rest = (key.removeprefix(prefix) for key in self._keys(prefix, ""))
        names = dict.fromkeys(key.partition(delimiter)[0] for key in rest if delimiter in key)
        return {"CommonPrefixes": [{"Prefix": f"{prefix}{name}{delimiter}"} for name in names]}
