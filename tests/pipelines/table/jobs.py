"""The jobs of the test pipeline that reads a table."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gristmill.task import Task


def copy(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write what there is to read, the header included."""
    sink.write(source.read())


def page(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the first column below its name."""
    for row in csv.reader(io.TextIOWrapper(source, newline="")):
        sink.write(row[0].encode() + b"\n")


def subtotal(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the sum of the second column, not as text."""
    rows = list(csv.reader(io.TextIOWrapper(source, newline="")))
    sink.write(sum(int(row[1]) for row in rows[1:]).to_bytes(4, "big"))


def add_up(parts: Iterator[BinaryIO], sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the sum of the parts and their number."""
    sums = [int.from_bytes(part.read(), "big") for part in parts]
    sink.write(json.dumps({"sum": sum(sums), "parts": len(sums)}).encode())


def plan(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write a list: two texts, and the dropped file itself."""
    sink.write(f"first item\nsecond item\ns3://{task.bucket}/{task.input_key}\n".encode())


def show(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write an item's number, text and content's length."""
    sink.write(f"{task.number} {task.item} {len(source.read())}\n".encode())
