"""A short page about the table: one file, the picture in it."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gristmill.task import Task

from .columns import UNITS
from .drawing import decimal, picture
from .figures import Column, Figures, gather

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Proteins of {name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.5rem }} img {{ width: 100%; height: auto }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #ddd; text-align: right }}
th:first-child, td:first-child {{ text-align: left }}
</style></head><body>
<h1>Proteins of {name}</h1>
<p>{sequences} sequences, {residues} residues. {flagged}</p>
<table><tr><th>value</th><th>sequences</th><th>least</th><th>mean</th><th>most</th></tr>
{rows}
</table>
<img src="data:image/png;base64,{picture}" alt="Histograms of length, mass, isoelectric point, GRAVY and instability;
the share of each residue">
<p>Computed by Biopython's ProtParam. Sequences with letters other than the 20 residues are flagged in the table.</p>
</body></html>
"""


def write(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:  # noqa: ARG001
    """Write the page."""
    sink.write(page(gather(source), task.input_key.rpartition("/")[2]).encode())


def page(found: Figures, name: str) -> str:
    """Return the page of a table that was made of the file `name`."""
    return _PAGE.format(
        name=_escaped(name),
        sequences=f"{found.sequences:,}",
        residues=f"{found.columns['length'].total:,.0f}",
        flagged=" ".join(_flags(found)),
        rows="\n".join(_row(name, column) for name, column in found.columns.items()),
        picture=base64.b64encode(picture(found)).decode(),
    )


def _flags(found: Figures) -> Iterator[str]:
    sentences = {
        "nonstandard": "have letters other than the 20",
        "stops": "have stops",
        "gaps": "have gaps",
        "empty": "are empty",
    }
    for flag, words in sentences.items():
        if found.flags[flag]:
            yield f"{found.flags[flag]:,} {words}."


def _row(name: str, column: Column) -> str:
    cells = [f"{name.replace('_', ' ')} ({UNITS[name]})", f"{column.count:,}"]
    cells += [decimal(number) if column.count else "" for number in (column.low, column.mean, column.high)]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
