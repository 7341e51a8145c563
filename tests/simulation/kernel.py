"""Virtual time and cooperative tasks: what happens next is drawn from one seed, and from nothing else.

A task runs until it sleeps or waits; then the hub resumes whoever is due next. So two tasks can only interleave where
one of them makes a request, and the same seed interleaves them in the same way.
"""

import heapq
import random
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

START = 1_800_000_000.0  # Unix seconds at which every history begins
_FOREVER = 1e9


class Killed(BaseException):
    """Raised in a task whose process has died: nothing of it goes on, `finally` included."""


class Process:
    """What lives and dies as a whole: a function's invocation, a container, an execution, a person.

    `fate` is the number of the call that it dies at, if any; `slow` stretches its requests, `skew` is how wrong its
    clock is, in seconds.
    """

    def __init__(self, name: str, kind: str, run: str = "", execution: str = "") -> None:
        self.name, self.kind, self.run, self.execution = name, kind, run, execution
        self.slow, self.skew, self.calls = 1.0, 0.0, 0
        self.began = 0.0  # Unix seconds at which a function has written its sign
        self.fate: int | None = None
        self.loses_answer = self.is_cut_off = self.loses_host = False  # a script's doing: see script.py
        self.is_dead = False
        self.signal: Callable[[], None] | None = None  # SIGTERM has come: what its handler does, once the task goes on
        self.tasks: list[Task] = []
        self.parts: list[Process] = []  # what ends with it

    @property
    def is_over(self) -> bool:
        return self.is_dead or all(task.is_done for task in self.tasks)


class Signal:
    """What tasks wait for: `fire` wakes them all."""

    def __init__(self, kernel: "Kernel") -> None:
        self._kernel = kernel
        self._waiting: list[Task] = []

    def wait(self, timeout: float = _FOREVER) -> None:
        task = self._kernel.current
        assert task is not None
        self._waiting.append(task)
        self._kernel.sleep(timeout)

    def fire(self) -> None:
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._kernel.wake(task, 0)


class Task:
    """A line of work within a process."""

    def __init__(self, kernel: "Kernel", process: Process, work: Callable[[], Any]) -> None:
        self.process, self.ended = process, Signal(kernel)
        self.is_done, self.result, self.error = False, None, None
        self.turn = 0
        self.greenlet = greenlet(lambda: self._go(work), kernel.hub)
        process.tasks.append(self)

    def _go(self, work: Callable[[], Any]) -> None:
        try:
            if not self.process.is_dead:
                self.result = work()
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - whoever waits for the task decides what it means
            self.error = error
        self.is_done = True
        self.ended.fire()


class Kernel:
    """The hub: the time, the queue of who is due when, the dice, and the trace of what has happened."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - nothing is secret here
        self.now = START
        self.hub = getcurrent()
        self.current: Task | None = None
        self.trace: list[str] = []
        self.steps = 0
        self._queue: list[tuple[float, int, Task, int]] = []
        self._numbers = 0

    def number(self) -> int:
        """Return a number that was not given out before."""
        self._numbers += 1
        return self._numbers

    def spawn(self, process: Process, work: Callable[[], Any], delay: float = 0.0) -> Task:
        task = Task(self, process, work)
        self.wake(task, delay)
        return task

    def wake(self, task: Task, delay: float) -> None:
        """Let a task go on after `delay`; an earlier appointment of it no longer holds."""
        task.turn += 1
        heapq.heappush(self._queue, (self.now + delay, self.number(), task, task.turn))

    def sleep(self, seconds: float) -> None:
        task = self.current
        if task is None:
            return
        if task.process.is_dead:
            raise Killed
        self.wake(task, seconds)
        self.hub.switch()
        if task.process.is_dead:
            raise Killed
        signal, task.process.signal = task.process.signal, None
        if signal:
            signal()

    def wait(self, task: Task, timeout: float = _FOREVER) -> bool:
        """Wait for the end of a task; return whether it has ended."""
        if not task.is_done:
            task.ended.wait(timeout)
        return task.is_done

    def kill(self, process: Process) -> None:
        """End a process and its parts at once."""
        process.is_dead = True
        for task in process.tasks:
            if not task.is_done and task is not self.current:
                self.wake(task, 0)
        for part in process.parts:
            self.kill(part)

    def run(self, limit: int = 400_000) -> bool:
        """Go on until nobody is due; return whether that came within `limit` steps."""
        end = self.steps + limit
        while self._queue and self.steps < end:
            at, _, task, turn = heapq.heappop(self._queue)
            if task.is_done or turn != task.turn:
                continue
            self.now, self.steps, self.current = max(self.now, at), self.steps + 1, task
            task.greenlet.switch()
            self.current = None
        return not self._queue

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def soon(self, mean: float) -> float:
        """Return a time to wait, exponential with this mean."""
        return self.random.expovariate(1) * mean

    def log(self, what: str) -> None:
        name = self.current.process.name if self.current else "-"
        self.trace.append(f"{self.now - START:10.3f}  {name:<28} {what}")
