"""What users drop, and what they get: `inputs/` and `results/`."""

from dataclasses import dataclass

INPUTS = "inputs/"
RESULTS = "results/"
REPORT = "report"  # no result is called so


@dataclass(frozen=True)
class Dropped:
    """An input key taken apart: `inputs/<pipeline>/<name>`; `name` may hold slashes, either may be empty."""

    pipeline: str
    name: str


def parse_input(key: str) -> Dropped:
    """Take an input key apart; a key outside `inputs/` is a programming error (the rule filters it)."""
    if not key.startswith(INPUTS):
        raise ValueError(f"not an input key: {key}")
    pipeline, _, name = key[len(INPUTS) :].partition("/")
    return Dropped(pipeline, name)


def input_key(pipeline: str, name: str) -> str:
    """Return the key that starts `pipeline` on a file called `name`."""
    return f"{INPUTS}{pipeline}/{name}"


def results_prefix(pipeline: str, name: str, run: str) -> str:
    """Return the prefix of a run's results."""
    return f"{RESULTS}{pipeline}/{name}/{run}/"


def result(pipeline: str, name: str, run: str, file: str) -> str:
    """Return the key of one result of a run."""
    return f"{results_prefix(pipeline, name, run)}{file}"


def report(pipeline: str, name: str, run: str, kind: str) -> str:
    """Return the key of a run's report, `kind` being `html` or `json`."""
    return result(pipeline, name, run, f"{REPORT}.{kind}")
