"""Answers who this server is: its process, and a proof that it wrote the state file of its data folder."""

import json
import os
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from embedded_aws.lifecycle.proof import proof
from embedded_aws.settings.settings import Settings


class Identity:
    """A WSGI application of one path, which the gate leads here."""

    def __init__(self, settings: Settings) -> None:
        self._nonce = settings.nonce

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a challenge."""
        challenge = parse_qs(environ.get("QUERY_STRING", "")).get("challenge", [""])[0]
        if not re.fullmatch("[0-9a-f]{64}", challenge):
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
        body = json.dumps({"pid": os.getpid(), "proof": proof(self._nonce, challenge)}).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]
