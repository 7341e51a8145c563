"""Bodies of requests that write objects: kept where they arrived, and unwrapped without being read whole."""

import io
import re
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import S3ClientError

from embedded_aws.services.s3.blobs import Blob, Blobs
from embedded_aws.services.s3.checksums import checksum
from embedded_aws.services.s3.content import Content, Span, content_of

_HELD = 1024**2  # bytes of a body that moto may hold; settings of buckets are below this
_LINE = 1024  # bytes of a chunk's head and of a trailer
_HEAD = re.compile(rb"([0-9A-Fa-f]+)(;[^\r\n]*)?\r\n")
_COMPUTED = ("SHA1", "SHA256", "CRC32")  # others are kept as they are sent
_TRAILER = re.compile(rb"(x-amz-checksum-\w+):([^\r\n]+)", re.IGNORECASE)


class IncompleteBody(S3ClientError):  # type: ignore[misc]
    """Raised for a body that does not hold the chunks which it announces."""

    code = "IncompleteBody"
    message = "You did not provide the number of bytes specified by the chunks of the body."


class BadDigest(S3ClientError):  # type: ignore[misc]
    """Raised for a body that does not have the checksum which was sent with it."""

    code = "BadDigest"
    message = "The checksum that you specified did not match what we received."


class _Raw(io.RawIOBase):
    """Bytes of a blob, as a file."""

    def __init__(self, blob: Blob) -> None:
        super().__init__()
        self._blob = blob
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._blob.size}[whence]
        self._place = start + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        data = self._blob.read(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


class Body(io.BufferedReader):
    """The body of a request, as WSGI wants it; `content` is all of it, however much was read."""

    def __init__(self, blob: Blob) -> None:
        super().__init__(_Raw(blob))
        self.content = Content([Span(blob, 0, blob.size)] if blob.size else ())


def adopting(setup_class: Callable[..., None], store: Blobs) -> Callable[..., None]:
    """Wrap S3Response.setup_class: the body of a large object is a content, which moto never reads."""

    def setup(self: Any, request: Any, *arguments: Any, **named: Any) -> None:
        self.trailers = {}
        environ = request.environ
        if request.method != "PUT" or int(environ.get("CONTENT_LENGTH") or 0) <= _HELD:
            setup_class(self, request, *arguments, **named)
            return
        body = environ["wsgi.input"]
        sent = body.content if isinstance(body, Body) else content_of(iter(lambda: body.read(_HELD), b""), store)
        environ.update({"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"})
        setup_class(self, request, *arguments, **named)
        is_chunked = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING-")
        content, self.trailers = _unwrapped(sent) if is_chunked else (sent, {})
        self.body = self.raw_body = content

    return setup


def unless_adopted(unsign: Callable[..., bytes]) -> Callable[..., bytes]:
    """Wrap what unwraps moto's own body, which makes room for all that the headers announce."""
    return lambda self, body, length: unsign(self, body, length) if body else b""


def checksum_of(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap S3Response._get_checksum, which searches the body."""

    def get_checksum(self: Any, response_headers: dict[str, Any]) -> tuple[str, str | None]:
        if not isinstance(self.raw_body, Content):
            answer: tuple[str, str | None] = original(self, response_headers)
            return answer
        algorithm = self.headers.get("x-amz-sdk-checksum-algorithm", "")
        if not algorithm:
            return "", None
        name = f"x-amz-checksum-{algorithm.lower()}"
        claimed = self.headers.get(name) or self.trailers.get(name)
        if claimed is None or algorithm.upper() in _COMPUTED:
            value = checksum(self.raw_body, algorithm.upper()).decode()
        else:
            value = claimed
        if claimed not in (None, value):
            raise BadDigest
        response_headers[name] = value
        return algorithm, value

    return get_checksum


def refusing(respond: Callable[..., Any], store: Blobs) -> Callable[..., Any]:
    """Wrap S3Response.key_response: what the disk refuses is refused, and nothing of it stays."""

    def key_response(self: Any, *arguments: Any) -> Any:
        try:
            answer = respond(self, *arguments)
            if isinstance(answer[2], Content):
                bytes(answer[2][:1])  # the files may have been deleted; later the answer has begun
            return answer
        except OSError as error:
            return store.refusal(error)

    return key_response


def _unwrapped(sent: Content) -> tuple[Content, dict[str, str]]:
    """Return what the chunks hold, and the checksums that trail them (Amazon S3 API reference, "SigV4 streaming")."""
    spans, place = list[Span](), 0
    while True:
        head = _HEAD.match(bytes(sent[place : place + _LINE]))
        if head is None:
            raise IncompleteBody
        start, size = place + head.end(), int(head[1], 16)
        if size == 0:
            trailers = _TRAILER.findall(bytes(sent[start : start + _LINE]))
            return Content(spans), {name.decode().lower(): value.decode().strip() for name, value in trailers}
        place = start + size + 2
        if place > len(sent):
            raise IncompleteBody
        spans.extend(sent[start : start + size].spans)
