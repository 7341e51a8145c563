"""Which rows of a scan are reconstructed, and their line integrals, a frame at a time."""

from collections.abc import Iterator
from dataclasses import replace

from batch_jobs.tomography.beam import Beam
from batch_jobs.tomography.correction import Integrals, line_integrals
from batch_jobs.tomography.scan import RawScan


def middle_rows(count: int, wanted: int) -> slice:
    """Return the rows in the middle of a detector of `count`."""
    taken = min(count, wanted)
    first = (count - taken) // 2
    return slice(first, first + taken)


def read_integrals(scan: RawScan, beam: Beam, frames: slice, rows: slice, most_missing: float) -> Iterator[Integrals]:
    """Yield the line integrals of some rows of each of some frames; Refused as `line_integrals` says."""
    seen = replace(beam, open=beam.open[rows], dark=beam.dark[rows])
    for number in range(*frames.indices(scan.shape[0])):
        raw = scan.read(number, number + 1)[:, rows]
        yield line_integrals(raw, seen, most_missing, scan.data.name, [int(scan.frames[number])])
