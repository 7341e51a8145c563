"""What a user names a batch by, read: files and patterns, a manifest, values of parameters."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from gristmill.batches.items import shown
from gristmill.client.batches.expand import Given, PlannedItem, Row, expand
from gristmill.client.batches.manifest import read_manifest
from gristmill.client.batches.values import read_values
from gristmill.client.drop.given import file_or_key, names_key
from gristmill.errors import Refused
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameter_rules import OWN, RESERVED


def read_items(
    pipeline: Pipeline,
    files: Sequence[str],
    manifest: Path | None,
    params: Mapping[str, str],
    inputs: Mapping[str, Given],
) -> list[PlannedItem]:
    """Return the items that files or a manifest, and the values of parameters, come to; Refused with every fault.

    `inputs` are every item's, where its line of the manifest has no other.
    """
    grid = _grid(pipeline, params)
    rows = read_manifest(manifest, pipeline, file_or_key) if manifest else [Row("", file) for file in _found(files)]
    return expand([Row(row.place, row.input, {**inputs, **row.inputs}, row.params) for row in rows], grid)


def _grid(pipeline: Pipeline, params: Mapping[str, str]) -> dict[str, list[str]]:
    grid: dict[str, list[str]] = {}
    faults: list[str] = []
    for name, text in params.items():
        plain = name.replace("-", "_")
        if plain in RESERVED or plain.startswith(OWN):
            faults.append(f"parameter {name} is reserved; see: gristmill batch --help")
        elif plain not in pipeline.parameters:
            grid[plain] = [text]  # told with all there are, and the nearest of them, as for any run
        else:
            try:
                grid[plain] = read_values(name, pipeline.parameters[plain], text)
            except ValueError as error:
                faults.append(f"parameter {name}: {error}")
    if faults:
        raise Refused(faults)
    return grid


def _found(texts: Sequence[str]) -> list[Given]:
    """Return the files that names and patterns mean, in order, those of each pattern sorted; keys as they are."""
    found: list[Given] = []
    faults: list[str] = []
    for text in texts:
        if not names_key(text) and Path(text).is_dir():
            faults.append(f"{text} is a folder; name its files: '{text.rstrip('/')}/*'")
        elif not names_key(text) and glob.has_magic(text) and not Path(text).exists():
            names = glob.glob(text, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
            matched = sorted(name for name in names if Path(name).is_file())
            found += map(Path, matched)
            faults += [] if matched else [f"{text} matches no file"]
        else:
            try:
                found.append(file_or_key(text))
            except Refused as refused:
                faults += refused.faults
    if faults:
        raise Refused(shown(faults), "Nothing was uploaded.")
    return found
