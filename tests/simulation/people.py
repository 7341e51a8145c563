"""People: they drop files, stop runs at any moment, and resume them until they have succeeded."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.client.runs import control
from gristmill.client.runs.changes import read_changes
from gristmill.client.runs.find import Run, find_run
from gristmill.client.runs.rebuild import rebuild
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import GristmillError, NotFound
from gristmill.pipeline.loading import roots
from tests.simulation.bucket import BUCKET
from tests.simulation.changes import expect_changed
from tests.simulation.executions import MACHINE
from tests.simulation.facts import StopProved
from tests.simulation.jobs import QUEUE
from tests.simulation.kernel import Process
from tests.simulation.script import owned_by
from tests.simulation.seams import CLOCK, ENVIRONMENT, STORE, Client
from tests.simulation.table import TABLE

if TYPE_CHECKING:
    from tests.simulation.world import World

_PATIENCE = 30_000.0  # seconds that a user waits for a run to end
_RESUMES = 4
_OUTPUTS = {
    "BucketName": BUCKET,
    "StateMachineArn": MACHINE,
    "CatalogueTableName": TABLE,
    "CpuQueueArn": QUEUE,
    "MpiQueueArn": f"{QUEUE}-mpi",
    "MaxvCpus": "3",
    "MaxCost": "0",
    "MaxMemory": "0",
    "IntermediateDays": "30",
}


def stack() -> Stack:
    """Return the deployed stack, as the command line opens it."""
    target: Any = SimpleNamespace(client=Client, local=False)
    made = Stack(target, "gristmill", _OUTPUTS, "CREATE_COMPLETE")
    made.__dict__["store"] = STORE
    return made


class Person:
    """A user, who sees to one run."""

    def __init__(self, world: "World", run: str, name: str = "user") -> None:
        self._world, self._kernel, self._run, self._name = world, world.kernel, run, name

    def begin(self, work: Callable[[], None], delay: float = 0.0) -> None:
        self._kernel.spawn(Process(self._name, "user", self._run), work, delay)

    def until(self, is_so: Callable[["World"], bool]) -> None:
        """Wait until something is so."""
        while not is_so(self._world):
            self._kernel.sleep(0.05)

    def time_out(self, label: str) -> None:
        """Let an execution run out of its time."""
        states = self._world.states
        states.end(
            next(execution for execution in states.executions.values() if execution.label == label), RunStatus.TIMED_OUT
        )

    def stop(self) -> None:
        """Stop the run as `gristmill stop` does."""
        try:
            before = [arn for arn, execution in self._world.states.executions.items() if execution.run == self._run]
            run = find_run(stack(), self._run, thorough=True)
            stopped = control.stop(stack(), run, "me", clock=CLOCK)
        except (GristmillError, ClientError, BotoCoreError) as error:
            self._kernel.log(f"stop: {error}")
            return
        self._kernel.log(
            f"stop: {stopped.status}, proved: {stopped.proved}, still: {[left.what for left in stopped.still]}"
        )
        if stopped.proved:
            self._world.note(StopProved(self._run, tuple(before)))

    def change_and_resume(self) -> None:
        """Change the pipeline, and resume the run as `gristmill resume --with-changes` does."""
        self._world.is_changed = True
        control.resume(
            stack(), find_run(stack(), self._run), lambda record: read_changes(stack(), record, roots(ENVIRONMENT))
        )
        self.until(owned_by("resume-1"))
        expect_changed(self._world, self._run)

    def resume(self) -> bool:
        """Resume the run as `gristmill resume` does; return whether there may be more to do."""
        try:
            run = find_run(stack(), self._run)
            if run.status is RunStatus.SUCCEEDED or (run.record and run.record.faults):
                return False
            control.resume(stack(), run)
        except (GristmillError, ClientError, BotoCoreError) as error:
            self._kernel.log(f"resume: {error}")
            return "before it was claimed" not in str(error)
        return True

    def rebuild(self) -> None:
        """Make the catalogue anew as `gristmill catalogue rebuild` does."""
        rebuilt = rebuild(stack())
        self._kernel.log(f"rebuild: {rebuilt.entered} runs entered, left out: {rebuilt.left_out}")

    def see_through(self) -> None:
        """Stop the run at some time or not, and resume it until it has succeeded or is given up."""
        random, trouble = self._kernel.random, self._world.trouble
        if trouble.of("stops"):
            self._kernel.sleep(self._kernel.soon(random.choice([0.3, 3, 30])))
            self.stop()
        for _ in range(_RESUMES):
            self.await_end()
            if self._kernel.chance(0.5):
                self._kernel.sleep(self._kernel.soon(20))
            if self._kernel.chance(trouble.of("racing resumes")):
                other = Person(self._world, self._run, "user-2")
                other.begin(lambda other=other: other.resume() and None, self._kernel.soon(1))
            if not self.resume():
                return
            if self._kernel.chance(trouble.of("second stops")):
                self._kernel.sleep(self._kernel.soon(random.choice([0.2, 1, 10])))
                self.stop()

    def await_end(self) -> None:
        """Look now and then until the run has ended."""
        end, wait = self._kernel.now + _PATIENCE, 1.0
        while self._kernel.now < end and not self._has_ended():
            self._kernel.sleep(wait)
            wait = min(wait * 1.5, 300)

    def _has_ended(self) -> bool:
        try:
            found: Run = find_run(stack(), self._run)
        except NotFound:
            return False
        except (GristmillError, ClientError, BotoCoreError):
            return False
        return not found.going
