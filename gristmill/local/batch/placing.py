"""Which job starts next, and where. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice

from gristmill.local.batch.model import Environment, Job, Needs, Queue

_LOOK_PAST = 100  # jobs at the head of a queue that a smaller one may overtake


def next_to_start(queues: Iterable[Queue], machine: Needs, used: Needs) -> tuple[Job, Environment] | None:
    """Return the first job that fits, by queue priority and then order of arrival, and the environment for it."""
    for queue in sorted(queues, key=lambda one: -one.priority):
        for job in islice(queue.waiting.values(), _LOOK_PAST):
            if not job.needs.fits(machine - used):
                continue
            for environment in usable(queue):
                if job.needs.vcpus + environment.used.vcpus <= environment.max_vcpus:
                    return job, environment
    return None


def usable(queue: Queue) -> Iterator[Environment]:
    """Yield a queue's enabled environments in order."""
    return (one for one in queue.environments if one.state == "ENABLED")


def why_never(job: Job, machine: Needs) -> str | None:
    """Return why a job can never start here, in AWS's words and then in ours; None where it can."""
    largest = max((one.max_vcpus for one in usable(job.queue)), default=0.0)
    if not list(usable(job.queue)):
        return "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - no compute environment of the queue is enabled"
    if job.needs.vcpus > largest:
        return (
            f"MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the job asks for {job.needs.vcpus:g} vCPU, and the "
            f"largest compute environment of its queue has {largest:g}"
        )
    for name, asked, there in (
        ("vCPU", job.needs.vcpus, machine.vcpus),
        ("MiB of memory", job.needs.memory, machine.memory),
        ("GPU", job.needs.gpus, machine.gpus),
    ):
        if asked > there:
            return (
                f"MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job asks for {asked:g} {name}, and this machine "
                f"has {there:g}"
            )
    return None
