"""Joining byte ranges of objects into one object, server-side wherever S3 allows it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from botocore.exceptions import ClientError

from gristmill.limits import S3_PART_MAX, S3_PART_MIN, S3_PARTS_MAX
from gristmill.storage.s3 import Store

_COPIERS = 16


@dataclass(frozen=True)
class Piece:
    """Bytes [start, end) of an object."""

    key: str
    start: int
    end: int

    @property
    def size(self) -> int:
        """Return the piece's bytes."""
        return self.end - self.start


Part = tuple[Piece, ...]  # one piece of at least 5 MiB is copied server-side; several, or a last small one, are read


def parts(pieces: Iterable[Piece]) -> Iterator[Part]:
    """Lay pieces out as multipart-upload parts: each of 5 MiB to 5 GiB but the last, which may be smaller.

    Small neighbours are gathered until they fill a part, with bytes from the next large piece if need be.
    """
    gathered: list[Piece] = []
    for piece in pieces:
        rest = piece
        if gathered:
            head, rest = _take(rest, S3_PART_MIN - sum(one.size for one in gathered))
            gathered.append(head)
            if sum(one.size for one in gathered) == S3_PART_MIN:
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
    return Piece(piece.key, piece.start, middle), Piece(piece.key, middle, piece.end)


def compose(
    store: Store,
    key: str,
    pieces: Sequence[Piece],
    metadata: dict[str, str],
    scratch: str,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write `key` as the pieces in order; it appears whole or not at all.

    More pieces than an upload has parts go through intermediate objects under `scratch`, deleted afterwards. `check` is
    asked last, before `key` appears, and raises where it must not.
    """
    layout = list(parts(pieces))
    if len(layout) > S3_PARTS_MAX:
        _compose_in_two(store, key, layout, metadata, scratch, check)
    elif len(layout) < 2 and not (layout and _is_copy(layout[0])):
        body = b"".join(_bytes(store, part) for part in layout)
        check()
        store.client.put_object(Bucket=store.bucket, Key=key, Body=body, Metadata=metadata)
    else:
        _upload(store, key, layout, metadata, check)


def _compose_in_two(
    store: Store, key: str, layout: list[Part], metadata: dict[str, str], scratch: str, check: Callable[[], None]
) -> None:
    made: list[Piece] = []
    remaining = iter(layout)
    while batch := list(islice(remaining, S3_PARTS_MAX)):
        name = f"{scratch}{len(made):04d}"
        _upload(store, name, batch, {}, check)
        made.append(Piece(name, 0, sum(piece.size for part in batch for piece in part)))
    compose(store, key, made, metadata, scratch, check)
    for piece in made:
        store.client.delete_object(Bucket=store.bucket, Key=piece.key)


def _upload(store: Store, key: str, layout: list[Part], metadata: dict[str, str], check: Callable[[], None]) -> None:
    names = {"Bucket": store.bucket, "Key": key}
    upload = store.client.create_multipart_upload(**names, Metadata=metadata)["UploadId"]
    try:
        with ThreadPoolExecutor(_COPIERS) as pool:
            numbered = enumerate(layout, start=1)
            etags = list(pool.map(lambda item: _put_part(store, names, upload, *item), numbered))
        done = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
        check()
        store.client.complete_multipart_upload(**names, UploadId=upload, MultipartUpload={"Parts": done})
    except BaseException as error:
        if _is_gone(error) and _stands(store, key, layout, metadata):
            return
        with suppress(ClientError):
            store.client.abort_multipart_upload(**names, UploadId=upload)
        raise


def _is_gone(error: BaseException) -> bool:
    """Tell whether the upload is no more: so it is where it was completed, but the answer was lost on its way."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "NoSuchUpload"


def _stands(store: Store, key: str, layout: list[Part], metadata: dict[str, str]) -> bool:
    found = store.head(key)
    size = sum(piece.size for part in layout for piece in part)
    return found is not None and found.size == size and found.metadata == metadata


def _put_part(store: Store, names: dict[str, str], upload: str, number: int, part: Part) -> str:
    place = {**names, "UploadId": upload, "PartNumber": number}
    if not _is_copy(part):
        answer = store.client.upload_part(**place, Body=_bytes(store, part))
        return str(answer["ETag"])
    (piece,) = part
    answer = store.client.upload_part_copy(
        **place,
        CopySource={"Bucket": store.bucket, "Key": piece.key},
        CopySourceRange=f"bytes={piece.start}-{piece.end - 1}",
    )
    return str(answer["CopyPartResult"]["ETag"])


def _is_copy(part: Part) -> bool:
    return len(part) == 1 and part[0].size >= S3_PART_MIN


def _bytes(store: Store, part: Part) -> bytes:
    return b"".join(store.read(piece.key, piece.start, piece.end) for piece in part)
