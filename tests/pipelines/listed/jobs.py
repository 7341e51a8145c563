"""The function of the test pipeline."""

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO


def echo(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the lists, and two variables."""
    variables = [os.environ["THREADS"], os.environ["NOTE"]]
    sink.write(json.dumps([parameters["words"], parameters["ks"], variables]).encode())
