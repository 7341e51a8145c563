"""Where waitress speaks HTTP otherwise than S3 does.

It writes each word of a header large, where S3 sends the names of object metadata in lower case; after a
`100 Continue` it waits for a body that an empty object does not have; and it keeps the path as it was sent, which tells
`%2520` from a space, under another name than the one moto reads.
"""

import re
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from gristmill.local.connections import Parser

_METADATA = re.compile(rb"^X-Amz-Meta-[^:]+", re.MULTILINE)


class Task(WSGITask):  # type: ignore[misc]
    """Answers one request."""

    def get_environment(self) -> Any:
        """Return the WSGI environment."""
        environment = super().get_environment()
        environment["RAW_URI"] = environment["REQUEST_URI"]
        return environment

    def build_response_header(self) -> bytes:
        """Return the head of the response."""
        return _METADATA.sub(lambda name: name[0].lower(), super().build_response_header())


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection of a client."""

    task_class = Task
    parser_class = Parser

    def send_continue(self) -> None:
        """Tell the client to send the body; a request that is whole without one stays so."""
        whole = self.request.completed
        super().send_continue()
        self.request.completed = whole
