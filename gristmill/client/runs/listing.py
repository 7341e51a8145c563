"""Lists of runs: a page of the catalogue, held against the executions that run. Two requests a page of fifty.

A stack of an earlier version has no catalogue: there each execution is asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from botocore.exceptions import ClientError

from gristmill.catalogue.entry import Entry
from gristmill.catalogue.table import Catalogue, Page, is_no_catalogue
from gristmill.catalogue.wanted import Wanted
from gristmill.client.runs.executions import GOING_MAX, Going, going, resumed_by
from gristmill.client.runs.find import CLAIM_SECONDS, Run, list_runs
from gristmill.client.runs.times import Times, times_of
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus

PAGE = 50  # runs that one request to the catalogue is made for
REBUILD = "gristmill catalogue rebuild"
_NO_CATALOGUE = "The catalogue cannot be read here, so each execution is asked for, which is slow."


@dataclass(frozen=True)
class Listed:
    """A run of a list; `is_behind` where it has ended, and the catalogue does not know how."""

    entry: Entry
    is_behind: bool = False
    lack: str = ""


@dataclass(frozen=True)
class Listing:
    """A page of runs, where the next one begins (None: there is none), and what its reader should know."""

    runs: list[Listed]
    after: str | None = None
    notes: list[str] = field(default_factory=list)


def list_page(stack: Stack, wanted: Wanted, limit: int, after: str | None, now: datetime) -> Listing:
    """Return the next runs that are wanted, newest first; few of many may take several pages to find."""
    if stack.catalogue is None:
        return _of_executions(stack, wanted, limit, now, [])
    try:
        page = _read(stack.catalogue, wanted, limit, after)
    except ClientError as error:
        if not is_no_catalogue(error):
            raise
        return _of_executions(stack, wanted, limit, now, [_NO_CATALOGUE])
    seen = going(stack)
    runs = list(_judged(page.entries, seen))
    notes = [*_behind(runs), *_unreadable(page)]
    if wanted.is_all and after is None:
        notes += [*_missing(page, seen, now), *_earlier(stack, page)]
    return Listing(runs, page.after, notes)


def _read(catalogue: Catalogue, wanted: Wanted, limit: int, after: str | None) -> Page:
    """Return a page, by one request for each fifty runs at most."""
    page = catalogue.page(wanted, limit, after)
    for _ in range(1, ceil(limit / PAGE)):
        if page.after is None or len(page.entries) >= limit:
            break
        more = catalogue.page(wanted, limit - len(page.entries), page.after)
        entries, unreadable = [*page.entries, *more.entries], page.unreadable + more.unreadable
        page = Page(entries, more.after, unreadable, more.is_rebuilt)
    return page


def _judged(entries: Sequence[Entry], seen: Sequence[Going]) -> Iterator[Listed]:
    """Yield runs as the catalogue has them, but for those of which the running executions tell otherwise."""
    arns = {execution.arn for execution in seen}
    resumes = {run: execution for execution in seen if (run := resumed_by(execution.name))}
    oldest = seen[-1].started if len(seen) == GOING_MAX else None  # of more, the older ones are not told
    for entry in entries:
        resume = resumes.get(entry.run)
        if resume and resume.arn != entry.execution and entry.status is not RunStatus.SUCCEEDED:
            since = {"status": RunStatus.RUNNING, "started_at": resume.started, "ended_at": None}
            yield Listed(entry.model_copy(update=since))
            continue
        is_told = oldest is None or entry.started_at > oldest
        yield Listed(entry, is_told and entry.status is RunStatus.RUNNING and entry.execution not in arns)


def _behind(runs: Sequence[Listed]) -> Iterator[str]:
    lost = [run.entry.run for run in runs if run.is_behind]
    if lost:
        what = f"{len(lost)} runs that are marked with ? have" if len(lost) > 1 else f"run {lost[0]} has"
        yield (
            f"The catalogue is behind: {what} ended, and how is not entered yet. See: gristmill status RUN; if it "
            f"stays so: {REBUILD}"
        )


def _unreadable(page: Page) -> Iterator[str]:
    if page.unreadable:
        yield f"{page.unreadable} rows of the catalogue cannot be read; {REBUILD} writes them anew."


def _missing(page: Page, seen: Sequence[Going], now: datetime) -> Iterator[str]:
    """Yield what is to be said of running executions whose runs should be on the newest page, and are not."""
    entered = {entry.execution for entry in page.entries}
    oldest = page.entries[-1].claimed_at if page.entries and page.after else None
    unknown = [
        execution.started
        for execution in seen
        if execution.arn not in entered
        and not resumed_by(execution.name)
        and (oldest is None or execution.started > oldest)
    ]
    late = sum(started < now - timedelta(seconds=CLAIM_SECONDS) for started in unknown)
    if late:
        yield f"The catalogue is behind: executions run whose runs are not in it: {late}. Mend it with: {REBUILD}"
    if len(unknown) > late:
        yield f"Executions that have begun, and have not claimed their runs yet: {len(unknown) - late}."


def _earlier(stack: Stack, page: Page) -> Iterator[str]:
    """Yield that runs may be missing where the list reaches its end, and the stack may be older than its catalogue."""
    if page.after is None and not page.is_rebuilt and stack.was_updated:
        yield f"Runs from before this stack had a catalogue, if any, are not listed. {REBUILD} enters them."


def _of_executions(stack: Stack, wanted: Wanted, limit: int, now: datetime, notes: list[str]) -> Listing:
    found = list_runs(stack, limit)
    timed = zip(found, times_of(stack, found, now), strict=True)
    runs = [Listed(_entry(run, times), lack=run.lack) for run, times in timed]
    return Listing([run for run in runs if wanted.matches(run.entry)], notes=notes)


def _entry(run: Run, times: Times) -> Entry:
    record = run.record
    return Entry(
        run=run.run,
        fence=record.fence if record else 0,
        status=run.status,
        execution=run.execution.arn,
        pipeline=run.dropped.pipeline,
        name=run.dropped.name,
        owner=record.owner if record else "",
        size=record.input.size if record else 0,
        claimed_at=record.claimed_at if record else times.first,
        first_started_at=times.first,
        started_at=times.last,
        ended_at=times.ended,
        worked_before=times.worked - times.took,
        warnings=list(times.warnings),
        warning_count=len(times.warnings),
        tags=record.tags if record else {},
        batch=record.batch if record else None,
    )
