"""A task that refuses what it reads or writes ends its run after the first attempt: another would end alike."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.enums import CheckVerdict, RecordFormat
from gristmill.errors import Corrupt, NoSpace, Refused
from gristmill.formats.reader import Damaged, Malformed
from gristmill.keys import Span
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Split, Stage
from gristmill.runs.cursor import Cursor
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding
from gristmill.steps.check_output.causes import CauseClients, failures
from gristmill.steps.check_output.verdict import judge
from gristmill.storage.folder import FolderStorage
from gristmill.worker.child.deadline import TimedOut
from gristmill.worker.child.failure import JobFailed, failed
from gristmill.worker.node.blame import Blame, How
from gristmill.worker.node.ranks import Accounts, RankEnd, note_refusal
from gristmill.worker.node.verdict import judge as judge_program
from tests.unit.test_child import failures as recorded
from tests.unit.test_child import lay_out, runner

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLACE = keys.BranchKeys("r", "map", "b", "f")


def failure(task: int | None, attempt: int = 0, *, refused: bool = False) -> Failure:
    what = f"task {task} is refused" if refused else f"task {task} broke"
    return Failure(
        stage="map", branch="b", task=task, attempt=attempt, reason=what, detail="", exit_code=None, job_id="j",
        log_stream="", at=NOW, refused=refused,
    )  # fmt: skip


def finding(branch: str, causes: list[Failure], tasks: int = 9) -> BranchFinding:
    return BranchFinding(
        branch=branch, tasks=tasks, done=tasks - len(causes), records_in=0, records_out=0, bytes_in=0, bytes_out=0,
        output=None if causes else "key", failures=causes, missing=len(causes), problem=None,
    )  # fmt: skip


def stage(*attempts: int) -> Stage:
    branches = [Branch(name=f"b{place}", run="jobs:f", attempts=most) for place, most in enumerate(attempts)]
    return Stage(name="map", split=Split(records=RecordFormat.LINES, records_per_task=1), branches=branches)


CAUSES = st.lists(st.booleans().map(lambda refused: failure(1, refused=refused)), max_size=5)


@given(st.lists(st.tuples(CAUSES, st.integers(1, 9)), min_size=1, max_size=4), st.integers(1, 9))
def test_a_refusal_never_leads_to_another_attempt_and_other_causes_have_theirs(
    branches: list[tuple[list[Failure], int]], tries: int
) -> None:
    found = [finding(f"b{place}", causes) for place, (causes, _attempts) in enumerate(branches)]
    verdict, reason = judge(stage(*(attempts for _causes, attempts in branches)), found, tries)
    missing = [(causes, attempts) for causes, attempts in branches if causes]
    refused = any(cause.refused for causes, _attempts in missing for cause in causes)
    if not missing:
        assert verdict is CheckVerdict.COMPLETE
    elif refused:
        assert verdict is CheckVerdict.FAILED
        cause = reason.partition(": ")[2]  # that of the first branch named
        assert cause[1:].startswith(" of 9 tasks have no output (refused, and so not tried again: task 1 is refused")
    else:
        is_last = tries >= min(attempts for _causes, attempts in missing)
        assert verdict is (CheckVerdict.FAILED if is_last else CheckVerdict.INCOMPLETE)
        assert "refused" not in reason


def test_of_mixed_causes_both_are_told_the_refusal_first() -> None:
    verdict, reason = judge(
        stage(3, 3), [finding("b0", [failure(1)]), finding("b1", [failure(2), failure(3, refused=True)])], 1
    )
    assert verdict is CheckVerdict.FAILED
    assert reason == (
        "b1: 2 of 9 tasks have no output (refused, and so not tried again: task 3 is refused; another task: task 2 "
        "broke); b0: 1 of 9 tasks have no output (task 1 broke)"
    )


class NoJobs:
    """A Batch that knows of no job."""

    def get_paginator(self, _operation: str) -> "NoJobs":
        return self

    def paginate(self, **_which: object) -> Iterator[dict[str, list[object]]]:
        yield {"jobSummaryList": []}


def causes(folder: Path, left: list[Failure], missing: list[Span]) -> list[Failure]:
    """Return what CheckOutput finds of attempt 1 where these failures were left."""
    store = FolderStorage(folder, folder / "x", "inputs/x")
    for each in left:
        store.put(PLACE.failure(each.task or 0, each.attempt), each.model_dump_json().encode())
    return failures(store, CauseClients(NoJobs(), None, ["queue"], "logs"), Cursor("r", "map", 1), PLACE, missing)


@pytest.mark.parametrize("place", [0, 4, 5, 57, 99])
def test_a_refusal_is_found_among_any_number_of_failures(tmp_path: Path, place: int) -> None:
    left = [failure(task, 1, refused=task == place) for task in range(100)]
    found = causes(tmp_path, left, [Span(0, 100)])
    assert len(found) == 5
    assert [each.task for each in found if each.refused] == [place]
    assert found[0].refused


def test_only_what_explains_a_missing_task_counts(tmp_path: Path) -> None:
    """A refusal of an earlier attempt, and of a task that another container has done, are none."""
    left = [failure(3, 0, refused=True), failure(4, 1, refused=True), failure(7, 1)]
    assert [each.task for each in causes(tmp_path, left, [Span(3, 4), Span(5, 9)])] == [7]


def test_many_refusals_hide_no_other_cause(tmp_path: Path) -> None:
    found = causes(tmp_path, [failure(task, 1, refused=task > 0) for task in range(20)], [Span(0, 20)])
    assert [each.refused for each in found] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (Refused(["frame 3 has no data"], "Leave it out."), True),
        (Malformed(3, 17, "it has two fields, not three"), True),
        (Damaged(None, 17, "no BGZF block"), True),
        (type("OfPipeline", (Refused,), {})(["the grain is wet"]), True),
        (ValueError("the grain is wet"), False),
        (NoSpace("no space to stage the task's input"), False),  # another host may have it
        (Corrupt("the input ended early"), False),
        (MemoryError(), False),
        (TimedOut("ran past its time limit"), False),
        (SystemExit(4), False),  # the exit code of a refusal says nothing here
        (ConnectionError("reset"), False),
    ],
)
def test_only_a_refusal_is_recorded_as_such(error: BaseException, refused: bool) -> None:
    assert failed(error).refused is refused


def test_a_childs_refusal_is_recorded_however_many_tasks_have_failed_before(store) -> None:
    def job(source, _sink, _parameters):
        line = source.read()
        raise Refused(["wet grain"]) if b"BAD" in line else ValueError("dust")

    lay_out(store, [*[b"a\n"] * 120, b"BAD\n", b"BAD\n"])
    runner(store, job).run()
    assert [each.task for each in recorded(store) if each.refused] == [120]
    assert len(recorded(store)) == 101


def test_a_record_from_before_is_read() -> None:
    assert failure(1).model_dump_json().endswith(',"refused":false}')
    old = Failure.model_validate_json(failure(1).model_dump_json().replace(',"refused":false', ""))
    assert not old.refused
    assert not JobFailed("as ever").refused


def test_what_a_rank_refuses_is_its_programs_reason(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "ranks", 1)
    (tmp_path / "ranks" / "2").write_text("1")
    (tmp_path / "ranks" / "3").write_text("-15")
    note_refusal("alpha is nan. Give a number." + "!" * 999, {**accounts.variables, "OMPI_COMM_WORLD_RANK": "2"})
    second, third = accounts.read()
    assert (second.rank, second.code, second.refusal[:28], len(second.refusal)) == (
        2,
        1,
        "alpha is nan. Give a number.",
        500,
    )
    assert third == RankEnd(3, 1, -15)
    aborted = Blame(How.ABORTED, 2, 1)
    verdict = judge_program(1, aborted, 2, [third, second])
    assert (verdict.code, verdict.refused) == (1, True)
    assert verdict.reason.startswith("rank 2 on node 1: alpha is nan.")
    assert not judge_program(1, aborted, 2, [third]).refused
    assert judge_program(0, None, 2, [RankEnd(0, 0, 0), RankEnd(1, 0, 0, refusal="no")]).code == 1
