"""A new pipeline's folder: small, whole, and running at once."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.errors import Refused
from gristmill.pipeline.loading import FILE, names

SAMPLE = "sample.txt"
_NAME = r"[a-z][a-z0-9-]{0,39}"

_PIPELINE = """\
version: 1
name: {name}                 # the folder's name; dropping a file under inputs/{name}/ starts a run
description: Measures each line of a text, and sums up.
accepts:
  suffixes: [.txt]
parameters:
  lines_per_task:
    type: integer
    description: lines that one task gets
    default: 10000
    minimum: 1
stages:
  - name: map                # many tasks at once, each with its own lines
    split:
      records: lines
      records_per_task: params.lines_per_task
    branches:
      - name: measured
        run: jobs:measure    # module in this folder : function
        merge: header        # the outputs in order, with the header that each task writes kept once
        suffix: .tsv
        same_record_count: true
        target_children: 8
  - name: sum-up             # one task over what the first stage made
    input: measured
    split:
      records: whole
    branches:
      - name: summary
        run: jobs:summarise
        suffix: .json
checks:
  - of: summary              # a figure that this branch writes, and its bounds
    figure: words
    minimum: 1
    otherwise: warn          # or fail, which is the default
    message: The text has no words. Is it the right file?
"""

_JOBS = '''\
"""The jobs of the pipeline {name}: each is called with a stream to read, one to write, and the run's parameters."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO


def measure(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write a table: characters, words and text of each line of this task."""
    sink.write(b"characters\\twords\\ttext\\n")
    for line in source:
        text = line.decode().rstrip("\\r\\n")
        sink.write(f"{{len(text)}}\\t{{len(text.split())}}\\t{{text}}\\n".encode())


def summarise(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write how many lines, characters and words there are, from the whole table."""
    next(source)  # the header
    lines = characters = words = 0
    for row in source:
        fields = row.split(b"\\t", 2)
        lines, characters, words = lines + 1, characters + int(fields[0]), words + int(fields[1])
    sink.write(json.dumps({{"lines": lines, "characters": characters, "words": words}}).encode() + b"\\n")
'''

_LINES = """\
The miller sets the stones,
the river does the rest:

grain goes in at the top,
and flour comes out below.
"""


def write(name: str, folder: Path, roots: Sequence[Path]) -> Path:
    """Write the pipeline `name` into `folder`, whole or not at all; return its own folder.

    Refused where the name is no pipeline's, or taken: nothing is ever overwritten.
    """
    if not re.fullmatch(_NAME, name):
        raise Refused(
            [f"{name!r} is no name of a pipeline"],
            "Take up to 40 small letters, digits and hyphens, with a letter first.",
        )
    made = folder / name
    if os.path.lexists(made):
        raise Refused([f"{made} exists; nothing was written"], "Take another name, or another folder with --into.")
    if name in names(roots):
        raise Refused([f"there is a pipeline {name} already"], "Take another name.")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
        whole = Path(scratch) / name
        whole.mkdir()
        for file, text in ((FILE, _PIPELINE.format(name=name)), ("jobs.py", _JOBS.format(name=name)), (SAMPLE, _LINES)):
            (whole / file).write_text(text, encoding="utf-8")
        whole.rename(made)
    return made
