"""The table as Parquet, a block at a time."""

import shutil
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import csv, parquet

from .columns import PERCENTS, VALUES

_BLOCK = 16 * 1024**2  # bytes of the TSV that are one group of rows
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("length", pa.int64()),
        *((column, pa.float64()) for column in (*VALUES, *PERCENTS)),
        ("flags", pa.string()),
    ]
)


def read(source: BinaryIO) -> csv.CSVStreamingReader:
    """Return the table's rows in batches. Empty numbers are null; an empty text is a text."""
    return csv.open_csv(
        source,
        read_options=csv.ReadOptions(block_size=_BLOCK, use_threads=False),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=csv.ConvertOptions(column_types=SCHEMA, null_values=[""], strings_can_be_null=False),
    )


def write(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Write all rows as Parquet. It is written to a file first, for its end points back into it."""
    with TemporaryFile() as file:
        with parquet.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for batch in read(source):
                writer.write_batch(batch)
        file.seek(0)
        shutil.copyfileobj(file, sink)
