"""What the report of a run takes with 100, 1,000 and 10,000 containers a branch: time, requests, bytes, memory.

Footprints lie in the embedded AWS's own S3. Batch answers from memory, in pages as large as ListJobs gives them, so
that no container has to run for it. The embedded S3 sorts all keys of a bucket for each page of a listing, so the
report's own processor time is what counts; on AWS each page of either takes about a tenth of a second more.

    python benchmarks/report_scale.py
"""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import common

from embedded_aws.settings.limits import BATCH_LIST_PAGE_BY_STATUS
from gristmill import keys
from gristmill.cost.gather import CostClients, observe
from gristmill.enums import RunStatus
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.summary import RunSummary
from gristmill.pipeline.loading import load
from gristmill.report.write import write
from gristmill.runs.locations import branch_keys
from gristmill.runs.records import InputObject, RunRecord
from gristmill.runs.request import Resume
from gristmill.runs.usage import Footprint, leave
from gristmill.storage import Storage
from tests.project import PROJECT

CONTAINERS = (100, 1_000, 10_000)
LIMIT_SECONDS = 10.0  # of processor time, of the 110 s that Notify has
START = datetime(2026, 1, 2, tzinfo=UTC)
BRANCHES = ("repeat", "reverse")


class ToldBatch:
    """A Batch with one array of each branch whose children have all ended, 20 of them badly."""

    def __init__(self, record: RunRecord, containers: int) -> None:
        self.calls = 0
        self._arrays = {branch: branch_keys(record, "map", branch).job_name(0, 0) for branch in BRANCHES}
        self._containers = containers

    def get_paginator(self, _name: str) -> "ToldBatch":
        """Return itself: it pages."""
        return self

    def paginate(self, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield pages of summaries."""
        if "jobQueue" in query:
            found = [
                _summary(branch, name, arrayProperties={"size": self._containers})
                for branch, name in self._arrays.items()
            ]
        else:
            found = list(self._children(query["arrayJobId"], query["jobStatus"]))
        for first in range(0, max(1, len(found)), BATCH_LIST_PAGE_BY_STATUS):
            self.calls += 1
            yield {"jobSummaryList": found[first : first + BATCH_LIST_PAGE_BY_STATUS]}

    def _children(self, branch: str, status: str) -> Iterator[dict[str, Any]]:
        for index in range(self._containers):
            own = "FAILED" if index < 20 else "SUCCEEDED"
            if own == status:
                shown = _summary(f"{branch}:{index}", self._arrays[branch], arrayProperties={"index": index})
                yield {**shown, "status": own, "container": {"exitCode": int(own == "FAILED")}}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        """Return jobs of one try."""
        self.calls += 1
        attempts = [{"startedAt": 1, "stoppedAt": 2, "container": {"exitCode": 1}}]
        return {"jobs": [{"jobId": job, "attempts": attempts, "jobDefinition": "d"} for job in jobs]}


def _summary(job: str, name: str, **more: Any) -> dict[str, Any]:
    began = int(START.timestamp() * 1000)
    times = {"createdAt": began, "startedAt": began + 30_000, "stoppedAt": began + 90_000}
    return {"jobId": job, "jobName": name, "status": "FAILED", **times, **more}


class NoHistory:
    """A Step Functions that remembers nothing."""

    def get_paginator(self, _name: str) -> "NoHistory":
        """Return itself."""
        return self

    def paginate(self, **_which: Any) -> list[dict[str, Any]]:
        """Return one page without events."""
        return [{"events": []}]


def record_of(bucket: str, run: str) -> RunRecord:
    """Return a run of `strings`."""
    dropped = InputObject(bucket=bucket, key="inputs/strings/x.txt", version=None, etag="", size=1, sequencer="")
    return RunRecord(
        run=run,
        execution="arn:one",
        claimed_at=START,
        owner="miller",
        input=dropped,
        pipeline=load("strings", [PROJECT / "batch_jobs"]),
        parameters={},
        faults=[],
    )


def leave_footprints(store: Storage, record: RunRecord, containers: int) -> None:
    """Write what so many children of each branch would leave."""
    began = int(START.timestamp() * 1000) + 31_000

    def leave_child(place: tuple[str, int]) -> None:
        branch, index = place
        print_ = Footprint(0, 0, index, 1, began, began + 58_000, 50_000, 90_000, 10, 0, 10**6, 10**6, 10**4, 10**4)
        leave(store, branch_keys(record, "map", branch), print_)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(leave_child, [(branch, index) for branch in BRANCHES for index in range(containers)]))


def measure(mill: common.Mill, containers: int) -> bool:
    """Report a run with so many containers in each of two branches; tell whether that was quick enough."""
    store, run = mill.store, f"{containers:016d}"
    record = record_of(mill.bucket, run)
    store.put(record.input.key, b"x")
    leave_footprints(store, record, containers)
    requests = []
    store.client.meta.events.register("before-send.s3", lambda **_: requests.append(1))
    ended = START + timedelta(seconds=120)
    summary = RunSummary(
        RunStatus.FAILED, run, "strings", "x.txt", "miller", 1, mill.bucket, START, ended, "why", [], []
    )
    batch = ToldBatch(record, containers)
    clients = CostClients(NoHistory(), batch, ["queue"])
    begin, own = time.perf_counter(), time.process_time()
    seen = observe(clients, record, record.execution)
    write(
        store,
        clients,
        summary,
        ExecutionEvent(RunStatus.FAILED, "arn:one", Resume(run=run, fence=1), START, "why"),
        record,
        seen,
    )
    seconds, own = time.perf_counter() - begin, time.process_time() - own
    sizes = [len(store.read(keys.report("strings", "x.txt", run, kind))) / 1000 for kind in ("html", "json")]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  2 x {containers:>6,}  {seconds:7.2f} s, {own:5.2f} s of them its own  "
        f"{len(requests) - 2:5,} to S3  {batch.calls:5,} to Batch  "
        f"{sizes[0]:6.0f} kB html  {sizes[1]:6.0f} kB json  {peak:6.0f} MiB peak so far",
        flush=True,
    )
    return common.verdict("seconds of its own", own, LIMIT_SECONDS)


def main() -> None:
    """Print a line for each size."""
    common.print_machine()
    print("containers  time  requests  size of the report  memory of this process")
    with common.mill() as mill:
        kept = [measure(mill, containers) for containers in CONTAINERS]
    common.finish(kept)


if __name__ == "__main__":
    main()
