"""Attempts as threads: one a container; the main node of a multi-node job starts and ends its other nodes."""

import threading
import time
from collections.abc import Callable

from embedded_aws.containers.engine import find
from embedded_aws.services.batch.engine.container import Container
from embedded_aws.services.batch.model.model import Attempt, Job, Status
from embedded_aws.services.batch.starters.base import Starter
from embedded_aws.services.batch.starters.containers import Containers
from embedded_aws.services.batch.starters.namespaces import Namespaces
from embedded_aws.services.batch.starters.processes import ProcessStarter
from embedded_aws.settings.settings import Settings

_GONE_SECONDS = 5.0  # that killed processes may take to be gone
NEVER_STARTED = "Main node ended before this node started"


def _starter(settings: Settings) -> Starter:
    if settings.containers:
        return Containers(settings, find(settings.port, settings.application.name))
    return Namespaces(settings) if settings.isolate else ProcessStarter(settings)


class Runner:
    """Runs placed jobs. `move` changes a status, `over` gets an attempt's end; both under the engine's lock."""

    def __init__(
        self,
        settings: Settings,
        lock: threading.RLock,
        move: Callable[[Job, Status], None],
        over: Callable[[Job, Attempt], None],
    ) -> None:
        self._settings, self._lock, self._move, self._over = settings, lock, move, over
        self._starter: Starter = _starter(settings)
        self._containers: dict[str, Container] = {}
        self._attempts: set[threading.Thread] = set()

    def start(self, job: Job) -> None:
        """Run an attempt of a job in a thread of its own."""
        thread = threading.Thread(target=self._attempt, args=(job,), name=f"batch-{job.id}", daemon=True)
        self._attempts.add(thread)
        thread.start()

    def stop(self, job: Job) -> None:
        """Ask what runs of a job to end, with all its nodes."""
        for member in job.nodes or [job]:
            if member.id in self._containers:
                self._containers[member.id].stop()

    def close(self) -> None:
        """Kill everything, and wait until it is gone."""
        for container in list(self._containers.values()):
            container.stop(now=True)
        self._starter.close()  # first: what is being started now would wait for a zygote to be warm
        end = time.monotonic() + _GONE_SECONDS
        for thread in list(self._attempts):
            thread.join(max(0.0, end - time.monotonic()))

    def _attempt(self, job: Job) -> None:
        others: list[threading.Thread] = []

        def started() -> None:
            with self._lock:
                for started in {job.main, job}:
                    self._move(started, Status.RUNNING)
                others.extend(self._start_node(node) for node in job.nodes if node is not job.main)

        main = self._begin(job.main)
        main.run(job.timeout, started)
        self._end_nodes(job, others, main)
        with self._lock:
            self._over(job, main.attempt)
            self._attempts.discard(threading.current_thread())

    def _begin(self, job: Job) -> Container:
        with self._lock:
            container = self._containers[job.id] = Container(self._settings, self._starter, job)
            parent = job.parent if job.is_node else None
            for owner in [job] if parent is None or parent.main is not job else [job, parent]:
                owner.attempts.append(container.attempt)
            if any(owner.ended_by is not None for owner in (job, parent) if owner):
                container.stop()
            return container

    def _start_node(self, node: Job) -> threading.Thread:
        self._move(node, Status.STARTING)
        thread = threading.Thread(target=self._run_node, args=(node,), name=f"batch-{node.id}", daemon=True)
        thread.start()
        return thread

    def _run_node(self, node: Job) -> None:
        """Run a node that is not the main one: its end changes nothing for the others."""
        container = self._begin(node)
        container.run(started=lambda: self._node_runs(node))
        with self._lock:
            self._leave(node, container)

    def _node_runs(self, node: Job) -> None:
        with self._lock:
            self._move(node, Status.RUNNING)

    def _end_nodes(self, job: Job, others: list[threading.Thread], main: Container) -> None:
        """End what the main node's end leaves behind, and wait until nothing of the job runs."""
        with self._lock:
            self._leave(job.main, main)
            self.stop(job)
        for thread in others:
            thread.join()

    def _leave(self, job: Job, container: Container) -> None:
        """Forget a container that has ended; a node takes its own exit code's status."""
        del self._containers[job.id]
        if job.is_node:
            job.stopped, job.status_reason = container.attempt.stopped, container.attempt.status_reason
            self._move(job, Status.SUCCEEDED if container.attempt.exit_code == 0 else Status.FAILED)
