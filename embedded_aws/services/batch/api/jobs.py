"""Jobs: submitting, looking at and ending them."""

from collections.abc import Iterator

from embedded_aws.services.batch.api.common import Operation, Refusal, Room, find, job_id, page, refuse
from embedded_aws.services.batch.api.definitions import find_definition
from embedded_aws.services.batch.model import nodes
from embedded_aws.services.batch.model.describe import detail, summary
from embedded_aws.services.batch.model.listing import by_filter
from embedded_aws.services.batch.model.model import Job
from embedded_aws.services.batch.model.refusals import problems
from embedded_aws.services.batch.model.resources import Json
from embedded_aws.services.batch.model.submit import make_job
from embedded_aws.settings.limits import BATCH_DESCRIBE_MAX, BATCH_END_MAX, BATCH_LIST_PAGE, BATCH_LIST_PAGE_BY_STATUS

_REASON_MAX = 1024  # characters (API reference, TerminateJob)
_PLACES = ("jobQueue", "arrayJobId", "multiNodeJobId")


class Jobs(Room):
    """Operations on jobs."""

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names in the service\'s model."""
        return {
            "SubmitJob": self.submit,
            "DescribeJobs": self.describe,
            "ListJobs": self.list_jobs,
            "CancelJob": lambda request: self._end(request, terminate=False),
            "TerminateJob": lambda request: self._end(request, terminate=True),
            "CancelJobs": lambda request: self._end_many(request, terminate=False),
            "TerminateJobs": lambda request: self._end_many(request, terminate=True),
        }

    def submit(self, request: Json) -> Json:
        """Answer SubmitJob."""
        queue = find(self._engine.queues.values(), request["jobQueue"], "Job queue")
        if queue.state != "ENABLED":
            raise Refusal(f"Job queue {queue.name} is disabled")
        definition = find_definition(self._engine.definitions.values(), request["jobDefinition"])
        refuse([*problems(request, queue, self._engine.jobs), *nodes.request_problems(request, definition)])
        job = make_job(request, queue, definition, self._arn)
        self._engine.submit(job)
        return {"jobName": job.name, "jobId": job.id, "jobArn": job.arn}

    def describe(self, request: Json) -> Json:
        """Answer DescribeJobs."""
        if len(request["jobs"]) > BATCH_DESCRIBE_MAX:
            raise Refusal(f"DescribeJobs takes at most {BATCH_DESCRIBE_MAX} jobs: {len(request['jobs'])}")
        found = [self._engine.jobs.get(job_id(given)) for given in request["jobs"]]
        return {"jobs": [detail(job) for job in found if job is not None]}

    def list_jobs(self, request: Json) -> Json:
        """Answer ListJobs."""
        given = [name for name in _PLACES if request.get(name)]
        if len(given) != 1:
            raise Refusal(f"Exactly one of {', '.join(_PLACES)} must be specified; there are {len(given)}")
        is_filtered = bool(request.get("filters")) and given == ["jobQueue"]
        jobs = self._filtered(request) if is_filtered else self._by_status(request)
        shown, more = page(jobs, request, BATCH_LIST_PAGE if is_filtered else BATCH_LIST_PAGE_BY_STATUS)
        return {"jobSummaryList": [summary(job) for job in shown], **more}

    def _by_status(self, request: Json) -> list[Job]:
        status = request.get("jobStatus") or "RUNNING"
        return [job for job in self._members(request) if job.status == status]

    def _members(self, request: Json) -> Iterator[Job]:
        if not request.get("jobQueue"):
            parent = self._engine.jobs.get(job_id(request.get("arrayJobId") or request["multiNodeJobId"]))
            yield from (parent.children if request.get("arrayJobId") else parent.nodes) if parent else ()
            return
        queue = find(self._engine.queues.values(), request["jobQueue"], "Job queue")
        for job in self._engine.jobs.values():
            if job.queue is queue and job.parent is None:
                yield job

    def _filtered(self, request: Json) -> list[Job]:
        """Return what a filter finds, newest first; only SHARE_IDENTIFIER looks at the status too."""
        wanted, *others = request["filters"]
        if others:
            raise Refusal("ListJobs takes one filter")
        try:
            passes = by_filter(wanted)
        except ValueError as error:
            raise Refusal(str(error)) from error
        status = request.get("jobStatus") if wanted["name"] == "SHARE_IDENTIFIER" else None
        found = [job for job in self._members(request) if passes(job) and status in (None, job.status)]
        return sorted(found, key=lambda job: -job.created)

    def _end(self, request: Json, *, terminate: bool) -> Json:
        _check_reason(request)
        self._end_job(request["jobId"], request["reason"], terminate=terminate)
        return {}

    def _end_many(self, request: Json, *, terminate: bool) -> Json:
        _check_reason(request)
        if not 1 <= len(request["jobs"]) <= BATCH_END_MAX:
            raise Refusal(f"At most {BATCH_END_MAX} jobs are ended by one call: {len(request['jobs'])}")
        for named_job in request["jobs"]:
            self._end_job(named_job, request["reason"], terminate=terminate)
        return {"successful": request["jobs"], "errors": []}

    def _end_job(self, given: str, reason: str, *, terminate: bool) -> None:
        job = self._engine.jobs.get(job_id(given))
        if job is not None:  # AWS takes jobs that it does not know (any more) as ended
            self._engine.end(job, reason, terminate=terminate)


def _check_reason(request: Json) -> None:
    if len(request["reason"]) > _REASON_MAX:
        raise Refusal(f"reason has at most {_REASON_MAX} characters")
