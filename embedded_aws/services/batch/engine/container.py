"""One attempt of a job or of a node of one: its process, its variables, its log stream, and how it ended."""

import uuid
from collections.abc import Callable
from functools import partial

from embedded_aws.containers.engine import CannotPull
from embedded_aws.machine.gpus import present, real
from embedded_aws.processes.helper import Lost
from embedded_aws.services.batch.engine.container_secrets import NoSecret, secret_variables
from embedded_aws.services.batch.engine.logs import LogStream
from embedded_aws.services.batch.engine.process import Ended, JobProcess
from embedded_aws.services.batch.model.model import INSTANCE, Attempt, Job, now
from embedded_aws.services.batch.starters.base import Starter
from embedded_aws.settings.settings import Settings

EXITED = "Essential container in task exited"
HOST_TERMINATED = f"Host EC2 (instance {INSTANCE}) terminated."
TIMED_OUT = "Job attempt duration exceeded timeout"


class Container:
    """Stands for the container that AWS would start."""

    def __init__(self, settings: Settings, starter: Starter, job: Job) -> None:
        number = len(job.attempts) + 1
        name = f"{job.id.replace(':', '_').replace('#', '_')}-{number}"
        self.attempt = Attempt(f"{_stream_prefix(job)}/default/{uuid.uuid4().hex}", now())
        self._is_stopped = False
        self._log = LogStream(settings, log_group(job), self.attempt.log_stream)
        self._log.write(_gpu_notice(job, settings.application.name).encode())
        job.address = starter.address(job)
        self._process = JobProcess(starter, job, environment(job, settings), settings.data, name)
        self._secrets = partial(secret_variables, job.container, settings)

    def run(self, timeout: float | None = None, started: Callable[[], None] = lambda: None) -> None:
        """Run to the end and note it in the attempt; calls `started` once the process is there."""
        attempt = self.attempt
        try:
            self._process.add(self._secrets())
            ended = self._process.run(timeout, self._log.write, started)
        except Lost:
            self._note_loss()
        except (OSError, ValueError) as error:  # ValueError: a word or a variable with a null byte
            has_words = isinstance(error, CannotPull | NoSecret)
            attempt.reason = str(error) if has_words else f"CannotStartContainerError: {error}"
            attempt.status_reason = "Task failed to start"
        else:
            self._note(ended)
        self._log.close()
        attempt.stopped = now()

    def _note(self, ended: Ended) -> None:
        attempt = self.attempt
        if ended.is_lost:
            self._note_loss()
        else:
            attempt.is_timed_out, attempt.exit_code = ended.timed_out, ended.exit_code
            attempt.status_reason = TIMED_OUT if ended.timed_out else EXITED
            if not ended.timed_out and not self._is_stopped:
                attempt.reason = ended.reason

    def _note_loss(self) -> None:
        self.attempt.is_lost, self.attempt.status_reason = True, HOST_TERMINATED

    def stop(self, now: bool = False) -> None:
        """Ask it to end; `now` kills it."""
        self._is_stopped = True
        self._process.stop(now)


def environment(job: Job, settings: Settings) -> dict[str, str]:
    """Return the variables of a job's next attempt, AWS's own included."""
    given = {variable["name"]: variable.get("value", "") for variable in job.container.get("environment", [])}
    gpus = {"CUDA_VISIBLE_DEVICES": ",".join(real(job.gpus))}  # a job that asks for none sees none
    role = job.container.get("jobRoleArn", "")
    return {**settings.job_environment(role), **given, **gpus, **_batch_variables(job)}


def _gpu_notice(job: Job, name: str) -> str:
    """Return what a job's log says where it does not get the GPUs that it asks for."""
    got, asked = len(real(job.gpus)), job.needs.gpus
    if got == asked:
        return ""
    there = len(present())
    return f"{name}: this job asks for {asked} GPU and gets {got}, for this machine has {there}; it uses the CPU\n"


def _batch_variables(job: Job) -> dict[str, str]:
    placed = (job.parent if job.is_node else job) or job
    own = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        "AWS_BATCH_JQ_NAME": job.queue.name,
        "AWS_BATCH_CE_NAME": placed.environment.name if placed.environment else "",
    }
    if job.parent is None:
        return own
    if job.is_child:
        size = str(len(job.parent.children))
        return {**own, "AWS_BATCH_JOB_ARRAY_INDEX": str(job.index), "AWS_BATCH_JOB_ARRAY_SIZE": size}
    return {**own, **_node_variables(job, job.parent)}


def _node_variables(node: Job, job: Job) -> dict[str, str]:
    own = {
        "AWS_BATCH_JOB_NODE_INDEX": str(node.index),
        "AWS_BATCH_JOB_NUM_NODES": str(len(job.nodes)),
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(job.main_node),
    }
    if node.index == job.main_node:
        return own
    return {**own, "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": job.main.address}


def _stream_prefix(job: Job) -> str:
    options = job.container.get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-stream-prefix", job.definition.name))


def log_group(job: Job) -> str:
    """Return the log group that a job's definition names, or AWS's own."""
    options = job.container.get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", "/aws/batch/job"))
