"""The keys of every object Gristmill reads or writes: built and parsed here and nowhere else.

Numbers are zero-padded, so that string order is numeric order.
"""

import re
from dataclasses import dataclass

from gristmill.words import Notice

INPUTS = "inputs/"
RUNS = "runs/"
RESULTS = "results/"
JOBS = "jobs/"  # what was submitted with single jobs

_TASK_DIGITS = 12
_ATTEMPT_DIGITS = 4
_SPAN = re.compile(r"(\d{12})-(\d{12})(?:\.json)?$")


@dataclass(frozen=True)
class Span:
    """Tasks [first, end) of a branch."""

    first: int
    end: int

    def __str__(self) -> str:
        return f"{self.first:0{_TASK_DIGITS}d}-{self.end:0{_TASK_DIGITS}d}"


@dataclass(frozen=True)
class Dropped:
    """An input key taken apart: `inputs/<pipeline>/<name>`; `name` may hold slashes, either may be empty."""

    pipeline: str
    name: str


@dataclass(frozen=True)
class Rendezvous:
    """Where the nodes of one attempt at a multi-node job meet. Whoever writes here runs commands on the nodes."""

    run: str
    job_id: str
    attempt: int

    @property
    def prefix(self) -> str:
        """Return what all its keys start with."""
        return f"{run_prefix(self.run)}mpi/{self.job_id}/{self.attempt}/"

    def key(self, notice: Notice) -> str:
        """Return the key of a notice of the main node to all."""
        return f"{self.prefix}{notice}.json"

    def of(self, notice: Notice, node: int) -> str:
        """Return the key of a notice of, or to, one node."""
        return f"{self.prefix}{notice}-{node:0{_ATTEMPT_DIGITS}d}.json"


def parse_input(key: str) -> Dropped:
    """Take an input key apart; a key outside `inputs/` is a programming error (the rule filters it)."""
    if not key.startswith(INPUTS):
        raise ValueError(f"not an input key: {key}")
    pipeline, _, name = key[len(INPUTS) :].partition("/")
    return Dropped(pipeline, name)


def input_key(pipeline: str, name: str) -> str:
    """Return the key that starts `pipeline` on a file called `name`."""
    return f"{INPUTS}{pipeline}/{name}"


def run_prefix(run: str) -> str:
    """Return the prefix that holds everything intermediate of a run."""
    return f"{RUNS}{run}/"


def own(run: str) -> str:
    """Return the prefix under which a run's jobs may write what they like; no stage's name starts with `_`."""
    return f"{run_prefix(run)}_own/"


def run_record(run: str) -> str:
    """Return the key of the run record; creating it claims the run."""
    return f"{run_prefix(run)}run.json"


def estimate(run: str) -> str:
    """Return the key of what the run was expected to cost."""
    return f"{run_prefix(run)}estimate.json"


def outcomes(run: str) -> str:
    """Return the prefix of what the run's executions came to."""
    return f"{run_prefix(run)}outcomes/"


def outcome(run: str, execution_name: str) -> str:
    """Return the key of what one execution of the run came to; written once its notice is out."""
    return f"{outcomes(run)}{execution_name}.json"


def checks(run: str, stage: str) -> str:
    """Return what the keys of a stage's findings start with; they sort by attempt."""
    return f"{run_prefix(run)}{stage}/check-"


def check(run: str, stage: str, attempt: int) -> str:
    """Return the key of CheckOutput's finding for one attempt at a stage."""
    return f"{checks(run, stage)}{attempt:0{_ATTEMPT_DIGITS}d}.json"


def chunks(run: str, stage: str) -> str:
    """Return the key of a stage's chunk index."""
    return f"{run_prefix(run)}{stage}/chunks.idx"


def items(run: str, stage: str) -> str:
    """Return the key of the list of parts that a stage reads, one JSON object a line."""
    return f"{run_prefix(run)}{stage}/items.jsonl"


def branch_prefix(run: str, stage: str, branch: str) -> str:
    """Return the prefix of one branch of a stage."""
    return f"{run_prefix(run)}{stage}/{branch}/"


def tasks(run: str, stage: str, branch: str, attempt: int) -> str:
    """Return the key of the index of tasks still to do in an attempt; absent means all of them."""
    return f"{branch_prefix(run, stage, branch)}tasks-{attempt:0{_ATTEMPT_DIGITS}d}.idx"


def segments(run: str, stage: str, branch: str) -> str:
    """Return the prefix of a branch's segments."""
    return f"{branch_prefix(run, stage, branch)}segments/"


def segment(run: str, stage: str, branch: str, span: Span) -> str:
    """Return the key of the outputs of tasks `span`."""
    return f"{segments(run, stage, branch)}{span}"


def receipts(run: str, stage: str, branch: str) -> str:
    """Return the prefix of a branch's receipts."""
    return f"{branch_prefix(run, stage, branch)}receipts/"


def receipt(run: str, stage: str, branch: str, span: Span) -> str:
    """Return the key of the receipt that commits segment `span`."""
    return f"{receipts(run, stage, branch)}{span}.json"


def parse_span(key: str) -> Span:
    """Read the tasks of a segment or receipt from its key."""
    match = _SPAN.search(key)
    if match is None:
        raise ValueError(f"not the key of a segment or receipt: {key}")
    return Span(int(match[1]), int(match[2]))


def task_name(task: int) -> str:
    """Return a task's number as keys have it."""
    return f"{task:0{_TASK_DIGITS}d}"


def failures(run: str, stage: str, branch: str) -> str:
    """Return the prefix of a branch's failure records."""
    return f"{branch_prefix(run, stage, branch)}failures/"


def failure(run: str, stage: str, branch: str, task: int, attempt: int) -> str:
    """Return the key of the record of one task's failure in one attempt."""
    name = f"{task:0{_TASK_DIGITS}d}-{attempt:0{_ATTEMPT_DIGITS}d}.json"
    return f"{failures(run, stage, branch)}{name}"


def task_failures(run: str, stage: str, branch: str, task: int) -> str:
    """Return what the keys of one task's failure records start with."""
    return f"{failures(run, stage, branch)}{task:0{_TASK_DIGITS}d}-"


def failure_attempt(key: str) -> int:
    """Read the attempt from the key of a failure record."""
    return int(key.rpartition("-")[2].removesuffix(".json"))


def failure_task(key: str) -> int:
    """Read the task from the key of a failure record."""
    return int(key.rpartition("/")[2].partition("-")[0])


def checkpoints(run: str, stage: str, branch: str) -> str:
    """Return the prefix of the checkpoints that a branch's job keeps."""
    return f"{branch_prefix(run, stage, branch)}checkpoints/"


def merged(run: str, stage: str, branch: str) -> str:
    """Return the key of a merged branch that only a later stage reads."""
    return f"{branch_prefix(run, stage, branch)}merged"


def results_prefix(pipeline: str, name: str, run: str) -> str:
    """Return the prefix of a run's results."""
    return f"{RESULTS}{pipeline}/{name}/{run}/"


def result(pipeline: str, name: str, run: str, file: str) -> str:
    """Return the key of one result of a run."""
    return f"{results_prefix(pipeline, name, run)}{file}"


def job_name_prefix(run: str) -> str:
    """Return what the names of all Batch jobs of a run start with."""
    return f"gm-{run}-"


def job_name(run: str, stage: str, branch: str, attempt: int, group: int | str) -> str:
    """Return a group's Batch job name (at most 128 of [A-Za-z0-9_-]); the group `*` matches all of an attempt."""
    return f"{job_name_prefix(run)}{stage}-{branch}-{attempt}-{group}"


def job_attempt(name: str, run: str, stage: str, branch: str) -> int | None:
    """Read the attempt from the name of a branch's job; None where the job is another branch's."""
    rest = name.removeprefix(job_name(run, stage, branch, 0, "").removesuffix("0-"))
    match = re.fullmatch(r"(\d+)-\d+", rest)
    return int(match[1]) if match else None


def job_folder(name: str) -> str:
    """Return the prefix of what was submitted with a single job."""
    return f"{JOBS}{name}/"


def job_command(folder: str) -> str:
    """Return the key of the command of a single job."""
    return f"{folder}command.json"


def job_file(folder: str, name: str) -> str:
    """Return the key of a file that lies beside a single job's command."""
    return f"{folder}files/{name}"
