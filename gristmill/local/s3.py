"""S3 of the embedded AWS: large objects are served, joined and copied in blocks; moto holds them whole, many times."""

import binascii
import threading
from collections.abc import Callable, Iterator
from typing import Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.models import S3_UPLOAD_PART_MIN_SIZE, FakeKey, FakeMultipart, MultipartChecksumBuilder, S3Backend
from moto.s3.responses import S3Response
from moto.utilities.utils import md5_hash

from gristmill.local.content import Content, Joined, Span
from gristmill.local.settings import Settings

_asked = threading.local()  # whether this thread's caller takes a content for bytes


def install(settings: Settings) -> None:
    """Apply the patches."""
    FakeKey.value = property(_value, _set_value)
    S3Response.get_object = _lazily(S3Response.get_object)
    S3Backend.upload_part_copy = _lazily(S3Backend.upload_part_copy)
    S3Backend.copy_object = _lazily(S3Backend.copy_object)
    S3Backend.put_object = _tell_once(S3Backend.put_object)
    FakeMultipart.complete = _complete


def content(key: Any) -> Content:
    """Return a key's content."""
    joined: Content | None = getattr(key, "joined", None)
    return joined or Content((Span(key, 0, key.contentsize),))


def _lazily(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the values of keys be contents as long as a function runs."""

    def lazy(*arguments: Any, **named: Any) -> Any:
        before, _asked.lazy = getattr(_asked, "lazy", False), True
        try:
            return function(*arguments, **named)
        finally:
            _asked.lazy = before

    return lazy


def _value(self: Any) -> bytes | Content:
    held = content(self)
    return held[:] if getattr(_asked, "lazy", False) else bytes(held)


def _set_value(self: Any, new: bytes | str | Content) -> None:
    """Keep the parts of the key's own upload where they are; copy any other content block by block."""
    self.joined = None
    self._value_buffer.seek(0)
    self._value_buffer.truncate()
    self.contentsize = len(new)
    if isinstance(new, Joined):
        self.joined = new
        self.multipart.parts = new.parts
    elif isinstance(new, Content):
        self.multipart = None  # else the copy would close the original's parts when it goes
        for block in new:
            self._value_buffer.write(block)
    else:
        self._value_buffer.write(new.encode() if isinstance(new, str) else new)


def _tell_once(put_object: Callable[..., Any]) -> Callable[..., Any]:
    """A completed upload is one event; moto sends that of a put before it."""

    def put(self: Any, *arguments: Any, multipart: Any = None, **named: Any) -> Any:
        if multipart is not None:
            named["disable_notification"] = True
        return put_object(self, *arguments, multipart=multipart, **named)

    return put


def _complete(self: Any, body: Iterator[tuple[int, str]]) -> tuple[Joined, str, tuple[str, str, int] | None]:
    """Stand in for FakeMultipart.complete: the object is its parts in a row, none of them moved."""
    whole = Joined({number: _part(self, number, etag) for number, etag in body})
    parts = list(whole.parts.values())
    if not parts:
        raise MalformedXML
    if any(part.contentsize < S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
        raise EntityTooSmall
    digest = md5_hash()
    digest.update(b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts))
    self.parts = {}  # moto closes an upload's parts when it ends; the key gets them, see `_set_value`
    return whole, f"{digest.hexdigest()}-{len(parts)}", _checksum(self.metadata, whole)


def _part(multipart: Any, number: int, etag: str) -> Any:
    part = multipart.parts.get(number)
    if part is None or part.etag.strip('"') != etag.strip('"'):
        raise InvalidPart
    return part


def _checksum(metadata: Any, whole: Joined) -> tuple[str, str, int] | None:
    """Return the checksum that the upload asked for, as moto words it; one of all bytes is kept for CRC32 alone."""
    algorithm, kind = metadata.get("x-amz-checksum-algorithm"), metadata.get("x-amz-checksum-type")
    if algorithm is None:
        return None
    builder = MultipartChecksumBuilder(algorithm, kind)
    if builder.checksum_type == "COMPOSITE":
        for part in whole.parts.values():
            builder.addPart(bytes(content(part)))
        built: tuple[str, str, int] = builder.build()
        return built
    if algorithm != "CRC32":
        return None
    running = 0
    for block in whole:
        running = binascii.crc32(block, running)
    return kind, binascii.b2a_base64(running.to_bytes(4, "big"), newline=False).decode(), 1
