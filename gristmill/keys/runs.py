"""What belongs to a run as a whole, or to one of its stages.

Control records, which functions alone write, lie under `runs/`; all that jobs write lies under `work/`.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from gristmill.enums import NodeMessage
from gristmill.keys.tasks import ATTEMPT_DIGITS

RUNS = "runs/"
WORK = "work/"
_GENERATION_DIGITS = 4
_SIGN = re.compile(r"/_functions/([a-z_]+)-([0-9]{1,11})-[^/]+\Z")
_CHECK = re.compile(rf"/check-[0-9]{{{_GENERATION_DIGITS}}}-[0-9]{{{ATTEMPT_DIGITS}}}\.json\Z")


def run_prefix(run: str) -> str:
    """Return the prefix of a run's control records."""
    return f"{RUNS}{run}/"


def work_prefix(run: str) -> str:
    """Return the prefix of all that a run's jobs write."""
    return f"{WORK}{run}/"


def parse_run(prefix: str) -> str:
    """Read the run from the prefix of its control records."""
    return prefix.removeprefix(RUNS).rstrip("/")


def own(run: str) -> str:
    """Return the prefix under which a run's jobs may write what they like; no stage is called `own`."""
    return f"{work_prefix(run)}own/"


def run_record(run: str) -> str:
    """Return the key of the run record; creating it claims the run."""
    return f"{run_prefix(run)}run.json"


def code(run: str) -> str:
    """Return the key of the archive of the code that the run is made by."""
    return f"{run_prefix(run)}code.zip"


def signs(run: str) -> str:
    """Return the prefix of the signs of functions that are at work on the run; no stage's name starts with `_`."""
    return f"{run_prefix(run)}_functions/"


def sign(run: str, function: str, until: int, request: str) -> str:
    """Return the key of the sign of one invocation, which Lambda ends at the Unix second `until` at the latest."""
    return f"{signs(run)}{function}-{until}-{request}"


class Sign(NamedTuple):
    """Which function works, and until when at the latest, in Unix seconds."""

    function: str
    until: int


def parse_sign(key: str) -> Sign | None:
    """Read function and time from the key of a sign; None from any other."""
    match = _SIGN.search(key)
    return Sign(match[1], int(match[2])) if match else None


def stops(run: str) -> str:
    """Return the prefix of the marks that executions of the run were stopped."""
    return f"{run_prefix(run)}_stops/"


def stop(run: str, execution_name: str) -> str:
    """Return the key of the mark that an execution of the run was stopped."""
    return f"{stops(run)}{execution_name}.json"


def left_out(run: str) -> str:
    """Return the key of the list of the tasks that the run has left out, one JSON object a line."""
    return f"{run_prefix(run)}left-out.jsonl"


def generation(run: str, generation: int) -> str:
    """Return the key of a run's record as it was when a resume with changes ended this generation of it."""
    return f"{run_prefix(run)}generations/{generation:0{_GENERATION_DIGITS}d}.json"


def changed_code(run: str, digest: str) -> str:
    """Return the key of the archive of code that a resume with changes has brought to the run."""
    return f"{run_prefix(run)}generations/{digest}.zip"


def estimate(run: str) -> str:
    """Return the key of what the run was expected to cost."""
    return f"{run_prefix(run)}estimate.json"


def outcomes(run: str) -> str:
    """Return the prefix of what the run's executions came to."""
    return f"{run_prefix(run)}outcomes/"


def outcome(run: str, execution_name: str) -> str:
    """Return the key of what one execution of the run came to; written once its notice is out."""
    return f"{outcomes(run)}{execution_name}.json"


def checks(run: str, stage: str, generation: int = 0) -> str:
    """Return what the keys of a stage's findings start with in one generation of its run; they sort by attempt."""
    return f"{run_prefix(run)}{stage}/check-{generation:0{_GENERATION_DIGITS}d}-"


def check(run: str, stage: str, attempt: int, generation: int = 0) -> str:
    """Return the key of CheckOutput's finding for one attempt at a stage."""
    return f"{checks(run, stage, generation)}{attempt:0{ATTEMPT_DIGITS}d}.json"


def is_check(key: str) -> bool:
    """Return whether this is the key of a finding."""
    return _CHECK.search(key) is not None


@dataclass(frozen=True)
class Rendezvous:
    """Where the nodes of one attempt at a multi-node job meet. Whoever writes here runs commands on the nodes."""

    run: str
    job_id: str
    attempt: int

    @property
    def prefix(self) -> str:
        """Return what all its keys start with."""
        return f"{work_prefix(self.run)}mpi/{self.job_id}/{self.attempt}/"

    def key(self, message: NodeMessage) -> str:
        """Return the key of a message of the main node to all."""
        return f"{self.prefix}{message}.json"

    def of(self, message: NodeMessage, node: int) -> str:
        """Return the key of a message of, or to, a node."""
        return f"{self.prefix}{message}-{node:0{ATTEMPT_DIGITS}d}.json"
