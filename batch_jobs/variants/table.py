"""The calls as a table."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from .calls import read_calls

COLUMNS = ("contig", "position", "reference", "alternative", "kind", "quality", "genotype", "depth", "share")


def write(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Write a row of each call; `share` is that of the reads with the alternative."""
    sink.write("\t".join(COLUMNS).encode() + b"\n")
    for call in read_calls(source):
        place = f"{call.contig}\t{call.position}\t{call.ref}\t{call.alt}\t{call.kind}"
        sink.write(f"{place}\t{call.quality:g}\t{call.genotype}\t{call.depth}\t{call.share:.3f}\n".encode())
