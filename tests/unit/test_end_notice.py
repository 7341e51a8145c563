"""The notice of an end: recorded before it is sent, sent once, and never by an execution that lost its run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gristmill import keys
from gristmill.catalogue.entry import Entry
from gristmill.catalogue.table import Catalogue
from gristmill.cost.gather import CostClients
from gristmill.enums import RunStatus
from gristmill.report import write
from gristmill.runs.at_work import Invocation
from gristmill.runs.drop import Drop
from gristmill.runs.repository import find_outcome, read_record
from gristmill.runs.request import Resume, read_request
from gristmill.steps.notify.channels import Notice
from gristmill.steps.notify.notify import NotifyClients, StillSending, notify
from gristmill.steps.notify.run_ended import EventBus
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage
from tests.unit.catalogues import make_catalogue
from tests.unit.walk import NoBatch, event

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UNTIL = int(NOW.timestamp()) + 110
END = ("FAILED", "ABORTED", "TIMED_OUT")


class NoHistory:
    """A Step Functions that remembers nothing."""

    def get_paginator(self, _name: str) -> "NoHistory":
        return self

    def paginate(self, **_which: Any) -> list[dict[str, Any]]:
        return [{"events": []}]


@dataclass
class Outbox:
    """A channel that keeps what it is given; `before` and `after` happen around the next notice."""

    name: str = "outbox"
    sent: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    before: Callable[[], Any] = lambda: None
    after: Callable[[], Any] = lambda: None

    def send(self, notice: Notice) -> None:
        before, after, self.before, self.after = self.before, self.after, lambda: None, lambda: None
        before()
        self.sent.append(str(notice.status))
        self.texts.append(notice.text)
        after()


@dataclass
class Bus:
    """An EventBridge that keeps what it is given, or that fails."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    answer: Mapping[str, Any] = field(default_factory=lambda: {"EventId": "e"})

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self.entries += Entries
        return {"Entries": [self.answer for _ in Entries]}


@dataclass
class History:
    """A run, and what may happen to it."""

    store: S3Storage
    claimant: Claimant
    drop: Drop
    input: dict[str, Any]
    box: Outbox
    catalogue: Catalogue
    bus: Bus = field(default_factory=Bus)

    @property
    def run(self) -> str:
        return self.drop.run

    def clients(self, later: float = 0) -> NotifyClients:
        cost = CostClients(NoHistory(), NoBatch(), ["queue"])
        now, work = NOW + timedelta(seconds=later), Invocation("notify", "a", UNTIL)
        return NotifyClients(self.store, cost, self.box, EventBus(self.bus), self.catalogue, now, work)

    def asks(self, status: str, execution: str = "", given: Any = None, later: float = 0) -> dict[str, Any]:
        """Let the state machine ask for a notice."""
        return notify(
            self.clients(later),
            {
                "status": status,
                "execution": execution or self.claimant.execution,
                "started": NOW.isoformat(),
                "event": given or self.input,
                "reason": "why",
                "attempt": 0,
            },
        )

    def ends(self, status: str, execution: str = "", given: Any = None, later: float = 0) -> dict[str, Any]:
        """Let the event of an execution's end come."""
        detail = {
            "executionArn": execution or self.claimant.execution,
            "status": status,
            "startDate": 1,
            "input": json.dumps(given or self.input),
        }
        return notify(self.clients(later), {"detail-type": "Step Functions Execution Status Change", "detail": detail})

    def resume(self, fence: int = 1) -> str:
        """Take the run over; return the execution that has it."""
        by = replace(self.claimant, execution=f"{self.claimant.execution}-resume-{fence}")
        assert split(self.store, Resume(run=self.run, fence=fence), by)["verdict"] == "GO"
        return by.execution


@pytest.fixture
def history(store: S3Storage, claimant: Claimant) -> History:
    given = event(store, "inputs/strings/a.txt", b"a\n")
    drop = read_request(given, store.bucket)
    assert isinstance(drop, Drop)
    split(store, drop, claimant)
    return History(store, claimant, drop, given, Outbox(), make_catalogue())


def asked(fence: int, run: str) -> dict[str, Any]:
    return {"resume": {"run": run, "fence": fence}}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_notice_whose_answer_was_lost_is_sent_once(history: History, status: str):
    for _ in range(3):
        history.asks(status)
    history.ends("FAILED")
    history.ends("ABORTED")
    assert history.box.sent == [status]
    found = find_outcome(history.store, history.run, history.claimant.execution)
    assert found is not None
    assert (found.status, found.sending_until) == (RunStatus(status), None)


@pytest.mark.parametrize("end", END)
def test_a_stop_that_lands_in_the_notice_of_success_makes_no_failure(history: History, end: str):
    raised: list[Exception] = []

    def stopped() -> None:
        with pytest.raises(StillSending, match="is sending the notice") as error:
            history.ends(end)
        raised.append(error.value)

    history.box.before = stopped
    history.asks("SUCCEEDED")
    assert len(raised) == 1
    history.ends(end)  # Lambda asks again
    assert history.box.sent == ["SUCCEEDED"]
    assert read_record(history.store, history.run).complete


@pytest.mark.parametrize("end", END)
def test_a_success_whose_notifier_died_is_sent_after_the_end_as_the_success_that_it_is(history: History, end: str):
    def die() -> None:
        raise OSError("the voice broke")

    history.box.before = die
    with pytest.raises(OSError, match="voice"):
        history.asks("SUCCEEDED")
    history.ends(end, later=111)  # nobody is at it any more
    history.ends(end, later=112)
    assert history.box.sent == ["SUCCEEDED"]


def test_a_notice_is_sent_twice_only_where_its_sender_died_before_it_could_record_it(history: History):
    def die() -> None:
        raise OSError("the voice broke")

    history.box.after = die
    with pytest.raises(OSError, match="voice"):
        history.asks("SUCCEEDED")
    with pytest.raises(StillSending):  # it may live
        history.asks("SUCCEEDED")
    history.asks("SUCCEEDED", later=111)
    history.asks("SUCCEEDED", later=112)
    assert history.box.sent == ["SUCCEEDED", "SUCCEEDED"]


def test_of_two_invocations_that_found_nothing_sent_one_sends(history: History, monkeypatch: pytest.MonkeyPatch):
    """The first is parked while it makes its report; its answer counts as lost, and the second does all."""
    make = write.make

    def parked(*given: Any) -> Any:
        monkeypatch.setattr(write, "make", make)
        history.asks("SUCCEEDED")
        return make(*given)

    monkeypatch.setattr(write, "make", parked)
    with pytest.raises(StillSending):
        history.asks("SUCCEEDED")
    assert history.asks("SUCCEEDED")["sent"] is False
    assert history.box.sent == ["SUCCEEDED"]


def test_nobody_takes_over_a_run_whose_success_is_recorded(history: History):
    history.asks("SUCCEEDED")
    by = replace(history.claimant, execution="arn:late")
    answer = split(history.store, Resume(run=history.run, fence=1), by)
    assert answer["verdict"] == "DUPLICATE"
    assert "has SUCCEEDED" in answer["reason"]
    history.asks("FAILED", "arn:late", asked(1, history.run))
    history.ends("FAILED", "arn:late", asked(1, history.run))
    assert history.box.sent == ["SUCCEEDED"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "RETRYING"])
def test_an_execution_that_lost_its_run_says_nothing_and_writes_nothing(history: History, status: str):
    resumed = history.resume()
    before = objects(history)
    assert history.asks(status)["sent"] is False
    assert history.ends("ABORTED")["sent"] is False
    assert objects(history) == before
    history.asks("SUCCEEDED", resumed, asked(1, history.run))
    before = objects(history)
    history.asks(status)
    history.ends("FAILED")
    assert objects(history) == before
    assert history.box.sent == ["SUCCEEDED"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_report_that_was_begun_before_the_run_was_lost_does_not_replace_a_later_one(
    history: History, status: str, monkeypatch: pytest.MonkeyPatch
):
    """The earlier execution is parked while it makes its report; the later one takes over, and succeeds."""
    make, reported = write.make, keys.report("strings", "a.txt", history.run, "json")

    def parked(*given: Any) -> Any:
        monkeypatch.setattr(write, "make", make)
        resumed = history.resume()
        history.asks("SUCCEEDED", resumed, asked(1, history.run))
        return make(*given)

    monkeypatch.setattr(write, "make", parked)
    history.ends("ABORTED") if status == "FAILED" else history.asks("FAILED")
    assert history.box.sent == ["SUCCEEDED"]
    assert json.loads(history.store.read(reported))["status"] == "SUCCEEDED"
    assert find_outcome(history.store, history.run, history.claimant.execution) is None


def test_a_success_that_another_execution_overtook_is_none(history: History, monkeypatch: pytest.MonkeyPatch):
    """Its ownership is lost between the look at the record and the write of its success."""
    from gristmill.steps.notify import notify as step

    revise = step.revise_record

    def parked(*given: Any) -> Any:
        history.resume()
        return revise(*given)

    monkeypatch.setattr(step, "revise_record", parked)
    assert history.asks("SUCCEEDED")["sent"] is False
    assert history.box.sent == []
    assert not read_record(history.store, history.run).complete


def objects(history: History) -> dict[str, str]:
    return {found.key: found.etag for prefix in ("runs/", "results/") for found in history.store.list(prefix)}


def entered(history: History) -> Entry:
    entry = history.catalogue.find(history.run)
    assert entry is not None
    return entry


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_the_catalogue_gets_the_end_as_the_outcome_has_it(history: History, status: str):
    assert history.asks(status)["uncatalogued"] == ""
    entry, record = entered(history), read_record(history.store, history.run)
    found = find_outcome(history.store, history.run, history.claimant.execution)
    assert found is not None
    assert (entry.status, entry.started_at, entry.ended_at) == (found.status, found.started_at, found.ended_at)
    assert (entry.fence, entry.execution, entry.owner) == (record.fence, record.execution, record.owner)
    assert (entry.title, entry.size, entry.worked_before) == ("strings/a.txt", 2, 0)


def test_a_late_end_of_an_earlier_execution_changes_nothing_in_the_catalogue(history: History):
    history.asks("FAILED")
    resumed = history.resume()
    history.asks("SUCCEEDED", resumed, asked(1, history.run))
    right = entered(history)
    assert (right.status, right.fence, right.resumes) == (RunStatus.SUCCEEDED, 2, 1)
    history.asks("FAILED")
    history.ends("ABORTED")
    history.ends("ABORTED", f"{history.claimant.execution}-resume-9", asked(2, history.run))
    assert entered(history) == right


def test_an_end_that_could_not_be_entered_is_told_and_entered_by_who_asks_next(history: History):
    table, history.catalogue = history.catalogue, Catalogue("nowhere", history.catalogue.client)
    answer = history.asks("FAILED")
    assert answer["sent"]
    assert "ResourceNotFoundException" in answer["uncatalogued"]
    history.catalogue = table
    assert table.find(history.run) is None
    assert history.ends("FAILED")["uncatalogued"] == ""
    assert entered(history).status is RunStatus.FAILED
    assert history.box.sent == ["FAILED"]


def test_a_run_that_failed_before_its_claim_is_entered(history: History):
    history.store.client.delete_object(Bucket=history.store.bucket, Key=keys.run_record(history.run))
    history.asks("FAILED")
    history.ends("FAILED")
    entry = entered(history)
    assert (entry.fence, entry.status, entry.title) == (0, RunStatus.FAILED, "strings/a.txt")
    assert entry.execution == history.claimant.execution
