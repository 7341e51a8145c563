"""What this machine has for jobs, and what of it is in use."""

from embedded_aws.services.batch.model.model import Job
from embedded_aws.services.batch.model.resources import Environment, Needs


class Capacity:
    """Taken and given back under the engine's lock; no GPU is ever two jobs' at once."""

    def __init__(self, machine: Needs) -> None:
        self.machine = machine
        self.used = Needs()
        self._free_gpus = set(range(machine.gpus))

    def take(self, job: Job, environment: Environment) -> None:
        """Place a job, all its nodes at once, in an environment where it fits."""
        job.environment = environment
        environment.used += job.needs
        self.used += job.needs
        for member in job.nodes or [job]:
            member.gpus = tuple(sorted(self._free_gpus)[: member.needs.gpus])
            self._free_gpus -= set(member.gpus)

    def release(self, job: Job) -> None:
        """Give back what a job has taken."""
        if job.environment is None:
            return
        job.environment.used -= job.needs
        self.used -= job.needs
        for member in job.nodes or [job]:
            self._free_gpus |= set(member.gpus)
            member.gpus = ()
        job.environment = None
