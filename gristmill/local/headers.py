"""Names of object metadata in lower case, as S3 sends them; waitress writes each word of a header large."""

import re

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

_METADATA = re.compile(rb"^X-Amz-Meta-[^:]+", re.MULTILINE)


class Task(WSGITask):  # type: ignore[misc]
    """Answers one request."""

    def build_response_header(self) -> bytes:
        """Return the head of the response."""
        return _METADATA.sub(lambda name: name[0].lower(), super().build_response_header())


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection of a client."""

    task_class = Task
