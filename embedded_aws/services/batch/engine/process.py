"""A job's process: its own session, a log, a time limit, and nothing left of it afterwards."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.processes.scratch import working_folders
from embedded_aws.services.batch.model.model import Job
from embedded_aws.services.batch.starters.base import Process, Starter

KILL_AFTER = 30.0  # seconds from SIGTERM to SIGKILL, as on AWS
_LOOK = 0.5  # seconds between looks at the clock
_SOON = 0.001  # seconds to the first look after the output's end; the next ones come later and later
_BLOCK = 65_536
_MIB = 1024**2
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"  # in the words of ECS


@dataclass(frozen=True)
class Ended:
    """How a process ended: death by signal n counts as 128 + n."""

    exit_code: int
    timed_out: bool
    reason: str
    is_lost: bool = False  # with a part of the embedded AWS, through no fault of its own


class JobProcess:
    """Started by `run`, in the thread of the attempt; `stop` may come from another thread."""

    def __init__(self, starter: Starter, job: Job, environment: Mapping[str, str], data: Path, name: str) -> None:
        self._starter = starter
        self._job = job
        self._environment = dict(environment)
        self._data, self._name = data, name
        self._process: Process | None = None
        self._kill_at: float | None = None
        self._stopped = self._killed = self._is_out_of_memory = False
        self._measured = time.monotonic()

    def add(self, variables: Mapping[str, str]) -> None:
        """Give it more variables, before it is run."""
        self._environment |= variables

    def run(
        self, timeout: float | None, write: Callable[[bytes], None], started: Callable[[], None] = lambda: None
    ) -> Ended:
        """Run to the end, passing on what it writes; `started` is called once it runs.

        OSError where the command cannot be started.
        """
        with working_folders(self._data, self._name) as (folder, temporary):
            return self._run({"TMPDIR": str(temporary), **self._environment}, folder, timeout, write, started)

    def _run(
        self,
        environment: Mapping[str, str],
        folder: Path,
        timeout: float | None,
        write: Callable[[bytes], None],
        started: Callable[[], None],
    ) -> Ended:
        process, output = self._starter.start(self._job, environment, folder)
        self._process = process
        if self._killed:  # while it was being started
            self._signal(signal.SIGKILL)
        try:
            started()
            timed_out = self._follow(process, output, timeout, write)
        finally:
            if process.poll() is None:
                self._signal(signal.SIGKILL)
            code = process.wait()  # whatever it has started and left is gone then
            os.close(output)
        is_ended_from_here = self._stopped or timed_out or process.is_lost
        told = OUT_OF_MEMORY if self._is_out_of_memory else self._starter.reason(process, code)
        reason = "" if is_ended_from_here else told
        return Ended(code if code >= 0 else 128 - code, timed_out, reason, process.is_lost)

    def _follow(self, process: Process, output: int, timeout: float | None, write: Callable[[bytes], None]) -> bool:
        """Pass on output until the process has ended; tell whether it ran out of time."""
        end = time.monotonic() + timeout if timeout else None
        timed_out, is_open, pause = False, True, _SOON
        while True:
            ready = is_open and _has_more(output, _LOOK)
            if not is_open:
                time.sleep(pause)
            data = os.read(output, _BLOCK) if ready else b""
            if data:
                write(data)
            elif process.poll() is not None:
                break
            elif ready:
                is_open = False  # it has closed its output; most often it is about to end
            elif not is_open:
                pause = min(2 * pause, _LOOK)
            self._keep_memory(process)
            if end and time.monotonic() > end and not timed_out:
                timed_out = True
                self._end(process)
            elif self._stopped or timed_out:
                self._end(process)
        self._drain(output, write)
        return timed_out

    def _keep_memory(self, process: Process) -> None:
        """Kill the process where it and all below it hold more memory than it asked for: a look now and then."""
        if time.monotonic() - self._measured < _LOOK or self._is_out_of_memory:
            return
        if self._starter.held(process) > self._job.needs.memory * _MIB:
            self._is_out_of_memory = True
            self._signal(signal.SIGKILL)
        self._measured = time.monotonic()

    def _drain(self, output: int, write: Callable[[bytes], None]) -> None:
        """Pass on what is left in the pipe, without waiting for a grandchild that holds it open."""
        while _has_more(output, 0):
            data = os.read(output, _BLOCK)
            if not data:
                return
            write(data)

    def _end(self, process: Process) -> None:
        """SIGTERM now; SIGKILL when that has not helped in time."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + KILL_AFTER
            self._signal(signal.SIGTERM)
        elif time.monotonic() > self._kill_at:
            self._signal(signal.SIGKILL)
            process.wait()

    def stop(self, now: bool = False) -> None:
        """Ask the process to end; `now` kills it."""
        self._stopped, self._killed = True, self._killed or now
        self._signal(signal.SIGKILL if now else signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.signal_all(number)


def _has_more(output: int, seconds: float) -> bool:
    """Return whether a pipe has bytes, or its end, within a time; select() would end at the 1,024th open file."""
    poll = select.poll()
    poll.register(output, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
