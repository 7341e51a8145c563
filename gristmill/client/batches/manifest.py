"""A manifest: a CSV file with a line for each item of a batch, or for each of its files. Pure but for reading it."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gristmill.batches.items import shown
from gristmill.client.batches.expand import Given, Row
from gristmill.errors import Refused
from gristmill.humanize import did_you_mean
from gristmill.pipeline.inputs import cut_input
from gristmill.pipeline.model import Pipeline

INPUT = "input"


def read_manifest(file: Path, pipeline: Pipeline, given: Callable[[str], Given]) -> list[Row]:
    """Return the rows of a manifest; Refused with every bad line of it, each with its place."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused([f"{file} is not UTF-8 (at byte {error.start})"], "Save it as UTF-8.") from None
    return rows_of(text, str(file), pipeline, given)


def rows_of(text: str, file: str, pipeline: Pipeline, given: Callable[[str], Given]) -> list[Row]:
    """Return the rows of a manifest's text; `given` makes a file or a key of a cell, and raises Refused where it can't.

    An empty cell leaves an input or a parameter to its default.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    faults: list[str] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if wrong := _header_faults(header, pipeline):
            raise Refused([f"{file}:1: {fault}" for fault in wrong])
        for cells in reader:
            place = f"{file}:{reader.line_num}"
            if any(cell.strip() for cell in cells):
                row, wrong = _row(place, header, cells, pipeline, given)
                rows += [row] if row else []
                faults += [f"{place}: {fault}" for fault in wrong]
    except csv.Error as error:
        faults.append(f"{file}:{reader.line_num}: {error}; a quote within quotes is doubled")
    if not rows and not faults:
        faults = [f"{file} has no line below its header; write one for each item"]
    if faults:
        raise Refused(shown(list(dict.fromkeys(faults))), "Nothing was uploaded.")
    return rows


def _header_faults(header: Sequence[str], pipeline: Pipeline) -> list[str]:
    others = _inputs(pipeline)
    known = [INPUT, *others, *pipeline.parameters]
    faults = [] if INPUT in header else [f"there is no column {INPUT}; a manifest begins with a line of column names"]
    faults += [
        f"{pipeline.name} has no input or parameter {name!r} (columns may be: {', '.join(known)})"
        f"{did_you_mean(name, known)}"
        for name in header
        if name not in known
    ]
    faults += [f"column {name} is there twice" for name in sorted({n for n in header if header.count(n) > 1})]
    both = sorted(set(header) & set(others) & set(pipeline.parameters))
    return faults + [f"column {name} may be an input or a parameter; give it with --input or --param" for name in both]


def _inputs(pipeline: Pipeline) -> list[str]:
    return [name for name in pipeline.inputs if name != cut_input(pipeline.inputs)]


def _row(
    place: str, header: Sequence[str], cells: Sequence[str], pipeline: Pipeline, given: Callable[[str], Given]
) -> tuple[Row | None, list[str]]:
    if len(cells) != len(header):
        return None, [f"{len(cells)} cells below {len(header)} columns; quote a cell that has commas"]
    found: Mapping[str, str] = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    if INPUT not in found:
        return None, [f"{INPUT} is empty; name a file, or a key of the bucket"]
    files: dict[str, Given] = {}
    faults: list[str] = []
    for name in (INPUT, *_inputs(pipeline)):
        if name in found:
            try:
                files[name] = given(found[name].strip())
            except Refused as refused:
                faults += [f"{name}: {fault}" for fault in refused.faults]
    if faults:
        return None, faults
    params = {name: text for name, text in found.items() if name in pipeline.parameters}
    return Row(place, files.pop(INPUT), files, params), []
