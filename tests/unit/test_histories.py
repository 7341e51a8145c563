"""Histories in words that once broke a promise: each is played as it says, and every law must hold to its end."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gristmill.catalogue.rows import RUN, entry_in
from gristmill.errors import ExitCode
from tests.simulation.history import stage
from tests.simulation.kernel import START
from tests.simulation.people import Person
from tests.simulation.script import (
    Act,
    announced,
    answered,
    crash,
    crash_each,
    cut_off,
    damage,
    ended,
    lose_answer,
    lose_host,
    owned_by,
    park,
    refuse,
    submitted,
    throttle,
    written,
)
from tests.simulation.world import World

FAILS_AT_FIRST = "3"  # attempts: all that the first execution has
TOO_DEAR = "0.0000001"


def broken(
    plot: Callable[[Person], None], *acts: Act, pipeline: str = "pairs", **metadata: str
) -> list[tuple[str, str]]:
    return stage(plot, *acts, pipeline=pipeline, **metadata).violations


def struck(world: World) -> bool:
    """Return whether the first act of the script has begun."""
    return world.script.acts[0].seen > 0


def wait(person: Person) -> None:
    """Do nothing but wait for the end."""
    person.await_end()


def stop_once_claimed_and_resume(person: Person) -> None:
    person.until(owned_by("drop"))
    person.stop()
    person.resume()


def test_a_split_that_was_overtaken_writes_no_stale_record():
    """Split claims; stop; resume takes over; the old Split finishes pricing and would write its own record."""
    late = park("drop.split", "PUT *estimate.json", until=owned_by("resume-1"))
    assert broken(stop_once_claimed_and_resume, late) == []


def test_an_overtaken_split_of_a_file_that_is_too_dear_writes_no_stale_record():
    """The same, and the old Split finds the run too dear."""
    late = park("drop.split", "PUT *estimate.json", until=owned_by("resume-1"))
    assert broken(stop_once_claimed_and_resume, late, max_cost=TOO_DEAR) == []


def test_a_success_that_is_late_does_not_close_a_run_that_was_announced_as_stopped():
    """The notice of a success is parked before it records it; a stop ends the execution, and its end is announced."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()
        person.resume()

    late = park("drop.notify", "PUT*run.json", until=announced("ABORTED"))
    world = stage(plot, late)
    assert world.violations == []
    assert "ABORTED" in [notice.status for notice in world.mail.notices]


def test_a_resume_asks_the_ceiling_where_the_first_split_died_before_it():
    """Split claims and dies before the price is known; a resume goes on."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))
        person.resume()

    assert broken(plot, crash("drop.split", "*chunks*"), max_cost=TOO_DEAR) == []


def test_a_stopped_resume_takes_nothing_over():
    """resume-1 is stopped in its Split, before it takes over; resume-1-1 works; the old Split goes on."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))
        person.resume()
        person.until(struck)
        person.stop()
        person.resume()

    late = park("resume-1.split", "HEAD *run.json", until=owned_by("resume-1-1"))
    assert broken(plot, late, failing=FAILS_AT_FIRST) == []


def test_a_resume_that_ran_out_of_time_takes_nothing_over():
    """resume-1 times out in its Split, before it takes over; resume-1-1 works; the old Split goes on."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))
        person.resume()
        person.until(struck)
        person.time_out("resume-1")
        person.until(ended("resume-1"))
        person.resume()

    late = park("resume-1.split", "HEAD *run.json", until=owned_by("resume-1-1"))
    assert broken(plot, late, failing=FAILS_AT_FIRST) == []


def test_a_late_settlement_ends_no_job_of_the_next_owner():
    """The drop's execution times out; its settlement reads the record; resume-1 takes over, and has jobs by then."""

    def plot(person: Person) -> None:
        person.until(submitted("drop"))
        person.time_out("drop")
        person.resume()

    late = park("drop.settle", "ListJobs", until=submitted("resume-1"))
    assert broken(plot, late) == []


def test_a_take_over_whose_answer_is_lost_is_ones_own():
    """The answer of the conditional PUT is lost, the client repeats it, and finds it done: by itself."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))
        person.resume()
        person.until(ended("resume-1"))

    lost = lose_answer("resume-1.split", "PUT if unchanged *run.json")
    world = stage(plot, lost, failing=FAILS_AT_FIRST)
    assert world.violations == []
    assert [execution.status for execution in world.states.executions.values() if execution.label == "resume-1"] == [
        "SUCCEEDED"
    ]


def test_a_claim_whose_answer_is_lost_is_ones_own():
    assert broken(wait, lose_answer("drop.split", "PUT if absent *run.json")) == []


def test_a_stop_while_success_is_announced_contradicts_nothing():
    """The stop comes while the notice of success is on its way."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()

    assert broken(plot, park("drop.notify", "Publish *SUCCEEDED*", until=ended("drop"))) == []


def test_a_merge_writes_nothing_after_a_proved_stop():
    """A merge is frozen just before its result appears; the run is stopped."""
    stops: list[str] = []

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()
        stops.append("stopped")

    late = park("drop.merge", "COMPLETE results/*", until=lambda _world: bool(stops))
    assert broken(plot, late) == []


def test_a_merge_that_begins_after_a_proved_stop_does_nothing():
    """Merge was invoked, and begins only when the stop of its run was proved."""
    stops: list[str] = []

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()
        stops.append("stopped")

    late = park("drop.merge", "PUT *_functions/*", until=lambda _world: bool(stops))
    assert broken(plot, late) == []


def test_a_job_on_its_way_to_batch_is_waited_for_by_a_stop():
    """SubmitJob was sent, and Batch takes the job ten seconds after the stop."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()

    def is_late(world: World) -> bool:
        return any(
            execution.ended and world.kernel.now > execution.ended + 10
            for execution in world.states.executions.values()
        )

    assert broken(plot, park("drop.submit", "SubmitJob *", until=is_late)) == []


def test_the_late_end_of_a_resume_contradicts_no_success():
    """resume-1 is stopped, the event of its end is late, and resume-2 has succeeded by then."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))
        person.resume()
        person.until(owned_by("resume-1"))
        person.stop()
        person.resume()

    late = park("resume-1.settle", "*", until=announced("SUCCEEDED"))
    assert broken(plot, late, failing=FAILS_AT_FIRST) == []


def test_a_notice_whose_answer_is_lost_is_sent_once():
    """Notify has sent the notice of success and said so, but the state machine does not learn it and asks again."""
    world = stage(wait, lose_answer("drop", "Invoke notify"))
    assert world.violations == []
    assert [notice.status for notice in world.mail.notices] == ["SUCCEEDED"]


def test_a_notifier_that_dies_after_sending_leaves_no_run_without_a_notice():
    """Notify dies before it has noted that the notice is out: twice is better than never."""
    assert broken(wait, crash("drop.notify", "PUT*outcomes/*")) == []


def test_a_notifier_that_dies_before_sending_leaves_no_run_without_a_notice():
    world = stage(wait, crash("drop.notify", "Publish *"))
    assert world.violations == []
    assert [notice.status for notice in world.mail.notices] == ["SUCCEEDED"]


def test_a_segment_that_was_replaced_after_its_receipt_is_no_output():
    """A container that Batch lost replaces a segment of another, and dies before it commits its own."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()
        person.resume()

    ghost = cut_off("j1:0#1", "GET inputs/*")
    dreamer = park("j1:0#1", "GET inputs/*", until=written("*/receipts/*", 2))
    death = crash("j1:0#1", "PUT *receipts/*")
    merging = park("resume-1.merge", "LIST *segments/*", until=written("*/segments/000000000000-*", 2))
    assert broken(plot, ghost, dreamer, death, merging, pipeline="drift", lines_per_task="3") == []


def test_a_branch_that_is_complete_only_after_its_merge_is_merged_in_another_attempt():
    """Batch ends a container at its time limit; it commits all the same, between Merge and CheckOutput."""
    cut = cut_off("j1:0#1", "PUT *receipts/*")
    late = park("j1:0#1", "PUT *receipts/*", until=answered("drop.merge", 2))
    waiting = park("drop.check_output", "LIST *segments/*", until=written("*/receipts/000000000000-*", 2))
    world = stage(wait, cut, late, waiting)
    assert world.violations == []
    assert len(world.states.executions) == 1


def stop_once_struck_and_change(person: Person) -> None:
    person.until(struck)
    person.stop()
    person.change_and_resume()


def test_a_late_container_of_a_former_generation_writes_nothing_that_counts():
    """Containers of both branches go on when Batch ends them, and commit in the time of the next generation."""
    ghosts = [cut_off(f"j{job}:0#1", "PUT *segments/*") for job in (1, 2)]
    late = [park(f"j{job}:0#1", "PUT *segments/*", until=submitted("resume-1")) for job in (1, 2)]
    world = stage(stop_once_struck_and_change, *ghosts, *late)
    assert world.violations == []
    (record,) = (world.record(run) for run in world.drops)
    assert record and (record.generation, record.complete, len(world.states.executions)) == (1, True, 2)
    places = {key.split("/")[4] for key in world.bucket.objects if "/back/" in key and "/receipts/" in key}
    assert record.fingerprints["back"] in places and len(places) == 2


def test_a_late_merge_of_a_former_generation_replaces_no_result_of_the_next_one():
    """A Merge is held before its result appears, until the run has been changed and merged anew."""
    late = park("drop.merge", "COMPLETE *back.txt", until=answered("resume-1.merge", 2))
    world = stage(stop_once_struck_and_change, late)
    assert world.violations == []
    (record,) = (world.record(run) for run in world.drops)
    assert record and (record.generation, record.complete, len(world.states.executions)) == (1, True, 2)


def test_a_split_with_changes_that_dies_after_it_took_the_run_over_goes_on_with_them():
    """It dies before it cuts the input; another try finds the run its own, in the generation that it began."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))
        person.change_and_resume()

    world = stage(plot, crash("resume-1.split", "PUT *estimate.json"), failing=FAILS_AT_FIRST)
    assert world.violations == []
    (record,) = (world.record(run) for run in world.drops)
    assert record and (record.generation, record.complete) == (1, True)


def test_a_segment_that_changes_while_it_is_merged_is_not_torn():
    """A container that Batch lost writes its segment, another one of other bytes, while Merge joins the segments."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()
        person.resume()

    def is_merging(world: World) -> bool:
        return world.script.acts[2].seen > 0

    ghost = cut_off("j1:0#1", "GET inputs/*")
    dreamer = park("j1:0#1", "GET inputs/*", until=written("*/receipts/*", 2))  # what it writes then is longer
    merging = park("resume-1.merge", "COPY *", until=written("*/segments/000000000000-*", 2))
    sleeper = park("j1:0#1", "PUT *segments/*", until=is_merging)
    acts = (ghost, dreamer, merging, sleeper)
    assert broken(plot, *acts, pipeline="drift", lines_per_task="3") == []


@pytest.mark.parametrize("call", ["StopExecution *", "PUT if absent *_stops*"])
def test_a_stop_whose_answer_is_lost_is_proved_and_gone_on_with(call: str):
    """What stops the execution, or notes that it was stopped, is done, and its answer is lost."""

    def plot(person: Person) -> None:
        person.until(submitted("drop"))
        person.stop()
        person.resume()

    world = stage(plot, lose_answer("user", call))
    assert world.violations == []
    assert [notice.status for notice in world.mail.notices] == ["ABORTED", "SUCCEEDED"]


@pytest.mark.parametrize("call", ["PUT *usage/*", "PUT *outcome.json"])
def test_nodes_whose_main_node_is_lost_after_it_committed_do_nothing_again(call: str):
    """The host of the main node is lost once the output is committed, and Batch tries the job again."""
    world = stage(wait, lose_host("j1:0#1", call), pipeline="nodes")
    assert world.violations == []
    assert [len(node.tries) for node in world.batch.jobs["j1"].containers] == [2, 2]


def test_a_node_that_is_lost_before_it_confirms_a_good_end_is_no_success():
    """mpirun has ended with 0, and rank 0 has written its output: the main node takes it for a loss."""
    world = stage(wait, crash("j1:1#1", "PUT *ended-*"), pipeline="nodes")
    assert world.violations == []
    assert world.batch.jobs["j1"].containers[0].tries[0]["container"]["exitCode"] == ExitCode.NODE_LOST


def test_a_main_node_that_goes_on_after_its_job_was_ended_spoils_nothing():
    """The run is stopped while the program works; the main node is cut off, and commits in the next owner's time."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.stop()
        person.resume()

    cut = cut_off("j1:0#1", "PUT *segments/*")
    late = park("j1:0#1", "PUT *segments/*", until=submitted("resume-1"))
    assert broken(plot, cut, late, pipeline="nodes") == []


def test_a_multi_node_job_that_batch_refuses_is_said_to_be_refused():
    """CheckOutput has Batch's own words for it, and the run fails."""

    def plot(person: Person) -> None:
        person.until(ended("drop"))

    world = stage(plot, refuse("drop.submit", "SubmitJob *"), pipeline="nodes")
    assert world.violations == []
    assert "Batch did not accept its job" in next(iter(world.states.executions.values())).cause


@pytest.mark.parametrize("body", [None, b"what a vandal writes\n"])
def test_a_result_that_is_damaged_before_the_last_check_is_no_success(body: bytes | None):
    """It is a result of an earlier stage; the failure says so, and a resume merges it again."""
    world = stage(wait, damage("drop.check_output", "LIST *counted*segments/", "upper.txt", body), pipeline="stages")
    assert world.violations == []
    ends = [(execution.label, execution.status) for execution in world.states.executions.values()]
    assert ends == [("drop", "FAILED"), ("resume-1", "SUCCEEDED")]


def test_a_result_that_is_damaged_while_it_is_merged_is_merged_again():
    """Merge has made it, and has not recorded what it made."""
    world = stage(wait, damage("drop.merge", "HEAD *published.json", "twice.txt", None))
    assert world.violations == []
    assert [execution.status for execution in world.states.executions.values()] == ["SUCCEEDED"]


def test_a_program_that_runs_past_its_time_limit_is_ended_and_done_again():
    """Rank 0 hangs: the main node ends it, well before Batch would, and the pipeline tries again."""
    limit = 60  # of the branch

    def is_late(world: World) -> bool:
        return world.kernel.now > START + 2 * limit

    world = stage(wait, park("j1:0#1.ranks", "GET inputs/*", until=is_late), pipeline="nodes")
    assert world.violations == []
    (attempt,) = world.batch.jobs["j1"].containers[0].tries
    assert attempt["container"]["exitCode"] == ExitCode.STOPPED
    assert attempt["stoppedAt"] / 1000 < START + 2 * limit
    assert [execution.status for execution in world.states.executions.values()] == ["SUCCEEDED"]


@pytest.mark.parametrize("nth", range(1, 4))
def test_a_node_that_is_lost_at_any_moment_leaves_no_half_output(nth: int):
    """It is lost before its daemon has begun, while the program works, or after it has confirmed a good end."""
    world = stage(wait, crash("j1:1#1", "GET *outcome.json", nth), pipeline="nodes")
    assert world.violations == []
    assert [execution.status for execution in world.states.executions.values()] == ["SUCCEEDED"]


ROW = "PutItem run"


def entries(world: World) -> list[tuple[str, int]]:
    """Return what the catalogue has of each run: its status and its fence."""
    found = [entry_in(row) for (kind, _), row in world.table.rows.items() if kind == RUN]
    return [(str(entry.status), entry.fence) for entry in found if entry]


def test_a_split_that_was_overtaken_enters_nothing_stale():
    """Split claims; stop; resume takes over and succeeds; the old Split goes on, and would enter the run as running."""
    late = park("drop.split", ROW, until=announced("SUCCEEDED"))
    world = stage(stop_once_claimed_and_resume, late)
    assert (world.violations, entries(world)) == ([], [("SUCCEEDED", 2)])


def test_an_end_that_is_entered_late_leaves_the_next_owners_row():
    """The notice of an end is out, and Notify is parked before the catalogue, which has the next owner by then."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.time_out("drop")
        person.resume()

    late = park("drop.notify", ROW, until=lambda world: entries(world) == [("RUNNING", 2)])
    world = stage(plot, late, failing=FAILS_AT_FIRST)
    assert (world.violations, entries(world)) == ([], [("SUCCEEDED", 2)])


@pytest.mark.parametrize(
    "acts",
    [
        [park("drop.split", "PUT if absent */run.json", until=lambda world: entries(world) == [("TIMED_OUT", 0)])],
        [
            park("drop.split", "PUT if absent */run.json", until=written("*/outcomes/drop.json", times=2)),
            park("drop.settle", ROW, until=lambda world: entries(world) != []),
        ],
    ],
    ids=["the end is entered before the claim", "the claim is entered before the end"],
)
def test_a_run_that_is_claimed_after_the_end_of_its_execution_is_entered_as_ended(acts: list[Act]):
    """The execution is over, and its end looks at the run, before its Split claims that: nobody looks again."""
    seen = []

    def plot(person: Person) -> None:
        person.until(struck)
        person.time_out("drop")
        person.until(lambda world: entries(world) == [("TIMED_OUT", 1)])
        seen.append("ended")

    world = stage(plot, *map(replace, acts))
    assert (world.violations, seen, entries(world)) == ([], ["ended"], [("SUCCEEDED", 2)])


def test_a_claim_that_could_not_be_entered_is_mended_by_the_end():
    """DynamoDB refuses Split's row for good: the run goes on, and its end is entered whole."""
    world = stage(wait, throttle("drop.split", ROW))
    assert (world.violations, entries(world)) == ([], [("SUCCEEDED", 1)])


def test_an_end_that_could_not_be_entered_is_mended_by_a_rebuild():
    """DynamoDB refuses Notify's row for good: the run has succeeded all the same, and a rebuild enters it."""
    world = stage(wait, throttle("drop.notify", ROW))
    assert (world.violations, entries(world)) == ([], [("SUCCEEDED", 1)])


def test_a_rebuild_that_is_overtaken_by_the_end_changes_nothing():
    """A rebuild has read that the run goes on, and is parked before it writes; the run succeeds meanwhile."""

    def plot(person: Person) -> None:
        person.until(owned_by("drop"))
        person.rebuild()

    late = park("user", ROW, until=announced("SUCCEEDED"))
    world = stage(plot, late)
    assert (world.violations, entries(world)) == ([], [("SUCCEEDED", 1)])


def test_a_function_that_begins_after_its_execution_lost_the_run_changes_nothing():
    """The drop's execution times out while CheckOutput starts, which goes on only once resume-1 owns the run."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.time_out("drop")
        person.resume()

    assert broken(plot, park("drop.check_output", "PUT *_functions/*", until=owned_by("resume-1"))) == []


def test_a_task_that_is_left_out_is_partial_until_a_resume_does_it():
    """The task fails in all attempts of an execution and of its resume; the next resume does it, and all after it."""
    world = stage(wait, pipeline="lenient", failing="12")
    assert world.violations == []
    ends = [notice.status for notice in world.mail.notices if notice.status != "RETRYING"]
    assert ends == ["PARTIAL", "PARTIAL", "SUCCEEDED"]


def test_what_a_lost_host_leaves_undone_is_never_left_out():
    """The container of the first task dies in all tries of both attempts: one task is missing, and it never failed."""
    world = stage(wait, crash_each("j[12]:0#*", "PUT *receipts/*"), pipeline="lenient")
    assert world.violations == []
    assert [notice.status for notice in world.mail.notices] == ["RETRYING", "FAILED", "SUCCEEDED"]


def test_a_job_that_batch_refuses_is_never_left_out():
    """Batch takes no job of the second attempt, after the task has failed in the first one."""
    world = stage(wait, refuse("drop.submit", "SubmitJob *", nth=2), pipeline="lenient", failing="1")
    assert world.violations == []
    assert [notice.status for notice in world.mail.notices] == ["RETRYING", "FAILED", "SUCCEEDED"]


def noted(world: World) -> list[str]:
    return [key for key in world.bucket.writes if key.startswith("inputs/pairs/")]


@pytest.mark.parametrize("strike", [lose_answer, crash])
def test_what_comes_after_a_run_is_started_once_whatever_becomes_of_the_answer(strike):
    """The note is written, or about to be, and its answer is lost or Notify dies: it is asked again."""
    world = stage(wait, strike("drop.notify", "PUT if absent inputs/*"), pipeline="stages")
    assert world.violations == []
    assert len(noted(world)) == 1


def test_two_notices_of_a_success_start_what_comes_after_once():
    """Notify is held before its note; the execution times out, and the notice of that end finds the success."""

    def plot(person: Person) -> None:
        person.until(struck)
        person.time_out("drop")

    late = park("drop.notify", "PUT if absent inputs/*", until=announced("SUCCEEDED"))
    world = stage(plot, late, pipeline="stages")
    assert world.violations == []
    assert len(noted(world)) == 1


def test_a_run_that_had_failed_starts_what_comes_after_when_it_is_resumed():
    def plot(person: Person) -> None:
        person.until(ended("drop"))
        assert noted(person._world) == []
        person.resume()

    world = stage(plot, crash_each("drop.check_output", "*"), pipeline="stages")
    assert world.violations == []
    assert len(noted(world)) == 1
