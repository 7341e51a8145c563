"""What is looked at before any node starts."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from batch_jobs.tomography.figures import check_centre, scan_figures
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.scan import dropped_scan
from gristmill.task import Task

from .reading import middle_rows, read_integrals


def check(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Check the scan, the rows of its frames that are reconstructed among it, and write its figures."""
    with dropped_scan(task, parameters) as scan:
        count, height, columns = scan.shape
        check_centre(parameters.get("centre"), columns)
        most_missing, rows = parameters["missing_percent"], middle_rows(height, parameters["rows"])
        found = inspect(scan, most_missing)
        counts = [
            {"first": number, **read.counts}
            for number, read in enumerate(read_integrals(scan, found.beam, slice(count), rows, most_missing))
        ]
        shape = (count, rows.stop - rows.start, columns)
        figures = scan_figures(found.notes, scan.degrees, shape, counts)
    sink.write(json.dumps(figures).encode() + b"\n")
