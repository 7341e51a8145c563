"""What is looked at before any node starts."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from batch_jobs.tomography.figures import check_centre
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.scan import dropped_scan
from gristmill.task import Task


def check(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Check the scan but for its frames, which ranks check as they read them; write what is odd in it."""
    with dropped_scan(task, parameters) as scan:
        found = inspect(scan, parameters["missing_percent"])
        check_centre(parameters.get("centre"), scan.shape[2])
    sink.write(json.dumps({"notes": found.notes}).encode() + b"\n")
