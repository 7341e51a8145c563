"""Which job starts next, and where. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice

from embedded_aws.services.batch.model.model import Job, Queue
from embedded_aws.services.batch.model.resources import Environment, Needs

_LOOK_PAST = 100  # jobs at the head of a queue that a smaller one may overtake


def next_to_start(queues: Iterable[Queue], machine: Needs, used: Needs) -> tuple[Job, Environment] | None:
    """Return the first job that fits, by queue priority and then order of arrival, and the environment for it."""
    for queue in sorted(queues, key=lambda queue: -queue.priority):
        for job in islice(queue.waiting.values(), _LOOK_PAST):
            if not job.needs.fits(machine - used):
                continue
            for environment in usable(job):
                if job.needs.vcpus + environment.used.vcpus <= environment.max_vcpus:
                    return job, environment
    return None


def usable(job: Job) -> Iterator[Environment]:
    """Yield the enabled environments of a job's queue in order; a multi-node job runs on EC2 on demand only."""
    for environment in job.queue.environments:
        if environment.state == "ENABLED" and not (job.is_multinode and environment.kind != "EC2"):
            yield environment


def why_never(job: Job, machine: Needs) -> str | None:
    """Return why a job can never start here, in AWS's words and then in ours; None where it can."""
    largest = max((environment.max_vcpus for environment in usable(job)), default=None)
    if largest is None:
        what = "takes multi-node jobs: that is one of type EC2" if job.is_multinode else "is enabled"
        return f"MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - no compute environment of the queue {what}"
    if job.needs.vcpus > largest:
        return (
            f"MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the job asks for {job.needs.vcpus:g} vCPU, and the "
            f"largest compute environment of its queue has {largest:g}"
        )
    for name, asked, there, setting in (
        ("vCPU", job.needs.vcpus, machine.vcpus, "--vcpus"),
        ("MiB of memory", job.needs.memory, machine.memory, "--memory"),
        ("GPU", job.needs.gpus, machine.gpus, "--gpus"),
    ):
        if asked > there:
            return (
                f"MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for {asked:g} {name}, and this machine "
                f"has {there:g}; the embedded AWS counts as many as {setting} says when it is started"
            )
    return None
