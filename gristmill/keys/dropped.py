"""What users drop, and what they get: `inputs/`, `uploads/`, `references/` and `results/`."""

from dataclasses import dataclass
from typing import ClassVar

INPUTS = "inputs/"
UPLOADS = "uploads/"  # files of drops that a note names
REFERENCES = "references/"  # files that many runs read
RESULTS = "results/"
GIVEN = (INPUTS, UPLOADS, REFERENCES, RESULTS)  # where a run's files may lie
REPORT = "report"  # no result is called so
_NOTE, _BATCH_NOTE = ".drop.json", ".batch.json"


@dataclass(frozen=True)
class Dropped:
    """An input key taken apart: `inputs/<pipeline>/<name>`; `name` may hold slashes, either may be empty."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # it stands in records

    pipeline: str
    name: str


def parse_input(key: str) -> Dropped:
    """Take an input key apart, a note's without its ending.

    A key outside `inputs/` is a programming error (the rule filters it).
    """
    if not key.startswith(INPUTS):
        raise ValueError(f"not an input key: {key}")
    pipeline, _, name = key[len(INPUTS) :].partition("/")
    ending = next((len(note) for note in (_NOTE, _BATCH_NOTE) if key.lower().endswith(note)), 0)
    return Dropped(pipeline, name[: len(name) - ending])


def is_note(key: str) -> bool:
    """Return whether an input key is that of a drop note, in small letters or others: some disks change them."""
    return key.lower().endswith(_NOTE)


def is_batch_note(key: str) -> bool:
    """Return whether an input key is that of the note that begins a batch, in whichever letters."""
    return key.lower().endswith(_BATCH_NOTE)


def batch_note_key(pipeline: str, name: str) -> str:
    """Return the key of the note that begins a batch called `name` of a pipeline's runs."""
    return f"{input_key(pipeline, name)}{_BATCH_NOTE}"


def input_key(pipeline: str, name: str) -> str:
    """Return the key that starts `pipeline` on a file called `name`."""
    return f"{INPUTS}{pipeline}/{name}"


def note_key(pipeline: str, name: str) -> str:
    """Return the key of the drop note that starts `pipeline`, with results that are called after `name`."""
    return f"{input_key(pipeline, name)}{_NOTE}"


def upload(id_: str, name: str) -> str:
    """Return the key of a file that a drop note names; it starts nothing."""
    return f"{UPLOADS}{id_}/{name}"


def reference(name: str) -> str:
    """Return the key of a file that many runs read; it starts nothing."""
    return f"{REFERENCES}{name}"


def results_prefix(pipeline: str, name: str, run: str) -> str:
    """Return the prefix of a run's results."""
    return f"{RESULTS}{pipeline}/{name}/{run}/"


def result(pipeline: str, name: str, run: str, file: str) -> str:
    """Return the key of one result of a run."""
    return f"{results_prefix(pipeline, name, run)}{file}"


def report(pipeline: str, name: str, run: str, kind: str) -> str:
    """Return the key of a run's report, `kind` being `html` or `json`."""
    return result(pipeline, name, run, f"{REPORT}.{kind}")
