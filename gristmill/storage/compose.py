"""Joining byte ranges of objects into one object of S3, by S3 itself wherever it can."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from gristmill.errors import GristmillError
from gristmill.limits import S3_PART_MAX, S3_PART_MIN, S3_PARTS_MAX
from gristmill.storage.answers import as_changed, bare, code, status, version_of
from gristmill.storage.protocol import ObjectInfo, Piece, Storage

_COPIERS = 16
_WRITES_TRIED = 8  # each failed one means that somebody else has written
Part = tuple[Piece, ...]  # one piece of at least 5 MiB is copied by S3; several, or a last small one, are read


def parts(pieces: Iterable[Piece]) -> Iterator[Part]:
    """Lay pieces out as multipart-upload parts: each of 5 MiB to 5 GiB but the last, which may be smaller.

    Small neighbours are gathered until they fill a part, with bytes from the next large piece if need be.
    """
    gathered: list[Piece] = []
    for piece in pieces:
        rest = piece
        if gathered:
            head, rest = _take(rest, S3_PART_MIN - _size(gathered))
            gathered.append(head)
            if _size(gathered) == S3_PART_MIN:
                yield tuple(gathered)
                gathered = []
        while rest.size >= S3_PART_MIN:
            # a rest below the minimum could not stand as a part, so the last two shares are made equal
            share = rest.size if rest.size <= S3_PART_MAX else min(S3_PART_MAX, rest.size // 2)
            head, rest = _take(rest, share)
            yield (head,)
        if rest.size:
            gathered.append(rest)
    if gathered:
        yield tuple(gathered)


def _take(piece: Piece, size: int) -> tuple[Piece, Piece]:
    middle = min(piece.start + size, piece.end)
    return replace(piece, end=middle), replace(piece, start=middle)


def _size(pieces: Iterable[Piece]) -> int:
    return sum(piece.size for piece in pieces)


class Composer:
    """Composes objects of a bucket by a client of S3.

    `check` is asked last, and raises where no object may appear; then the object appears only if none has come, gone or
    changed since. So what `check` admits no more never takes the place of what it admitted later.
    """

    def __init__(self, store: Storage, client: Any, check: Callable[[], None] | None) -> None:
        self._store = store
        self._client = client
        self._check = check

    def compose(self, key: str, pieces: Sequence[Piece], metadata: dict[str, str], scratch: str) -> ObjectInfo:
        """Write `key` as the pieces in order; it appears whole or not at all."""
        layout = list(parts(pieces))
        for _ in range(_WRITES_TRIED):
            try:
                return self._compose(key, layout, metadata, scratch)
            except ClientError as error:
                if self._check is None or not _is_overtaken(error):
                    raise
        raise GristmillError(f"{key} changes all the time.", "Repeat in a moment.")

    def _compose(self, key: str, layout: list[Part], metadata: dict[str, str], scratch: str) -> ObjectInfo:
        if len(layout) > S3_PARTS_MAX:
            return self._compose_in_two(key, layout, metadata, scratch)
        if len(layout) < 2 and not (layout and _is_copy(layout[0])):
            body = b"".join(self._bytes(part) for part in layout)
            names, condition = {"Bucket": self._store.bucket, "Key": key}, self._condition(key)
            answer = self._client.put_object(**names, Body=body, Metadata=metadata, **condition)
            return _made(key, layout, answer)
        return self._upload(key, layout, metadata)

    def _compose_in_two(self, key: str, layout: list[Part], metadata: dict[str, str], scratch: str) -> ObjectInfo:
        made: list[Piece] = []
        remaining = iter(layout)
        while batch := list(islice(remaining, S3_PARTS_MAX)):
            between = self._upload(f"{scratch}{len(made):04d}", batch, {})
            made.append(Piece(between.key, 0, between.size, between.etag))
        whole = self.compose(key, made, metadata, scratch)
        for piece in made:
            self._store.delete(piece.key)
        return whole

    def _upload(self, key: str, layout: list[Part], metadata: dict[str, str]) -> ObjectInfo:
        names = {"Bucket": self._store.bucket, "Key": key}
        upload = self._client.create_multipart_upload(**names, Metadata=metadata)["UploadId"]

        def put(numbered: tuple[int, Part]) -> dict[str, Any]:
            number, part = numbered
            return {"PartNumber": number, "ETag": self._put_part({**names, "UploadId": upload}, number, part)}

        try:
            done = self._store.together(put, enumerate(layout, start=1), _COPIERS)
            made = {"UploadId": upload, "MultipartUpload": {"Parts": done}}
            answer = self._client.complete_multipart_upload(**names, **made, **self._condition(key))
            return _made(key, layout, answer)
        except BaseException as error:
            if _is_gone(error) and (found := self._found(key, layout, metadata)):
                return found
            with suppress(ClientError):
                self._client.abort_multipart_upload(**names, UploadId=upload)
            raise

    def _condition(self, key: str) -> dict[str, str]:
        """Return on which condition an object may appear: none, where nobody is to be asked."""
        if self._check is None:
            return {}
        seen = self._store.head(key)
        self._check()
        return {"IfMatch": f'"{seen.etag}"'} if seen else {"IfNoneMatch": "*"}

    def _put_part(self, upload: dict[str, str], number: int, part: Part) -> str:
        if not _is_copy(part):
            answer = self._client.upload_part(**upload, PartNumber=number, Body=self._bytes(part))
            return str(answer["ETag"])
        (piece,) = part
        condition = {"CopySourceIfMatch": f'"{piece.etag}"'} if piece.etag else {}
        with as_changed(piece.key, piece.etag):
            answer = self._client.upload_part_copy(
                **upload,
                **condition,
                PartNumber=number,
                CopySource={"Bucket": self._store.bucket, "Key": piece.key, **version_of(piece.version)},
                CopySourceRange=f"bytes={piece.start}-{piece.end - 1}",
            )
        return str(answer["CopyPartResult"]["ETag"])

    def _bytes(self, part: Part) -> bytes:
        return b"".join(
            self._store.read(piece.key, piece.start, piece.end, piece.version, piece.etag) for piece in part
        )

    def _found(self, key: str, layout: list[Part], metadata: dict[str, str]) -> ObjectInfo | None:
        """Return the object that is there where it can be the one that was to be made."""
        found = self._store.head(key)
        return found if found and found.size == sum(map(_size, layout)) and found.metadata == metadata else None


def _made(key: str, layout: list[Part], answer: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(key, sum(map(_size, layout)), bare(answer["ETag"]), answer.get("VersionId"))


def _is_overtaken(error: ClientError) -> bool:
    """Return whether another write came between the look at an object and this one; S3's advice is to begin anew."""
    is_write = error.operation_name in ("PutObject", "CompleteMultipartUpload")
    return is_write and (status(error) in (409, 412) or code(error) == "NoSuchKey")


def _is_gone(error: BaseException) -> bool:
    """Return whether the upload is no more: so it is where it was completed, but the answer was lost on its way."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "NoSuchUpload"


def _is_copy(part: Part) -> bool:
    return len(part) == 1 and part[0].size >= S3_PART_MIN
