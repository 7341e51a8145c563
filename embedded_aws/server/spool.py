"""Bodies of requests, kept outside memory."""

from collections.abc import Callable

from embedded_aws.services.s3.blobs import Blob, Blobs
from embedded_aws.services.s3.bodies import Body


class Spool:
    """Takes the body of a request for waitress."""

    def __init__(self, store: Blobs) -> None:
        self._blobs = [Blob(store)]
        self.check: Callable[[bytes], None] | None = None  # raises Refused where no more is to come

    def __len__(self) -> int:
        return self._blobs[0].size

    def append(self, data: bytes) -> None:
        """Take bytes; OSError where the disk does not."""
        if self.check is not None:
            self.check(data)
        self._blobs[0].append(data)

    def getfile(self) -> Body:
        """Return what the application reads."""
        return Body(self._blobs[0])

    def close(self) -> None:
        """Let the bytes go, unless an object has them."""
        self._blobs.clear()


class NoRoom:
    """The answer to a request whose body the disk does not take, as waitress wants it."""

    def __init__(self, store: Blobs, error: OSError) -> None:
        self._status, self._headers, self._body = store.refusal(error)

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        return f"{self._status} Service Unavailable", list(self._headers.items()), self._body
