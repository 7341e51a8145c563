"""The catalogue of runs on the deployed template: what is listed, by how many calls, and how it is mended."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gristmill import keys
from gristmill.catalogue.rows import RUN, entry_in
from gristmill.cli import main
from gristmill.client.runs.control import stop
from gristmill.client.runs.find import find_run
from gristmill.client.stack import Stack, open_stack
from gristmill.enums import RunStatus
from gristmill.errors import ExitCode, NotFound
from gristmill.pipeline.tags import as_metadata
from tests.integration.conftest import deployed
from tests.integration.mill import OWNER, Mill

Call = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give the names of the calls to AWS that the command line makes."""
    made: list[str] = []
    client = Stack.client

    def counted(self: Stack, service: str) -> Any:
        is_new = service not in self._clients
        found = client(self, service)
        if is_new:
            found.meta.events.register("before-call", lambda model, **_: made.append(model.name))
        return found

    monkeypatch.setattr(Stack, "client", counted)
    yield made


@pytest.fixture
def call(mill: Mill, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return what calls the command line, and gives its exit code, its JSON and its notes."""
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))

    def cli(*words: str, stack: str = "gristmill") -> tuple[int, Any, str]:
        capsys.readouterr()
        code = main.call(["--endpoint-url", mill.endpoint, "--stack", stack, *words, "--json"])
        shown = capsys.readouterr()
        return code, json.loads(shown.out) if shown.out else None, shown.err

    return cli


def tagged(tags: dict[str, str], batch: str | None = None) -> dict[str, str]:
    return {name.replace("-", "_"): text for name, text in as_metadata(tags, batch).items()}


@pytest.fixture(scope="module")
def runs(mill: Mill) -> dict[str, str]:
    """Have a few runs come to their ends; return their ids."""
    labels = tagged({"sample": "s1", "site": "Zürich & more"}, "sweep-1")
    made = {
        "tagged": mill.drop("strings", "catalogue/tagged.txt", b"a\nb\n", **labels),
        "plain": mill.drop("strings", "catalogue/plain.txt", b"a\n"),
        "refused": mill.drop("strings", "catalogue/refused.txt", b"a\n", gristmill_tags="no tag"),
        "other": mill.drop("words", "catalogue/other.txt", b"a\n", **tagged({"sample": "s1"})),
    }
    for run in made.values():
        mill.finish(run)
        mill.end(mill.execution(run))
    return made


def listed(call: Call, *words: str) -> list[str]:
    code, found, _ = call("runs", "-n", "100", *words)
    assert code == 0
    return [run["run"] for run in found]


def test_runs_are_found_by_all_that_sets_them_apart(call: Call, runs: dict[str, str]):
    assert set(runs.values()) <= set(listed(call))
    assert set(listed(call, "--tag", "sample=s1")) == {runs["other"], runs["tagged"]}
    assert listed(call, "--tag", "sample=s1", "--tag", "site=Zürich & more") == [runs["tagged"]]
    assert listed(call, "--tag", "sample=s1", "--pipeline", "words") == [runs["other"]]
    assert listed(call, "--batch", "sweep-1") == [runs["tagged"]]
    assert set(listed(call, "--search", "CATALOGUE/")) == set(runs.values())
    assert listed(call, "--search", "catalogue/", "--status", "failed") == [runs["refused"]]
    assert runs["plain"] in listed(call, "--owner", OWNER, "--since", "1h")
    assert listed(call, "--owner", "nobody") == []


def test_a_row_says_what_record_and_outcome_say(mill: Mill, call: Call, runs: dict[str, str]):
    _, found, _ = call("runs", "--batch", "sweep-1")
    (row,), record, outcome = found, mill.read_json(keys.run_record(runs["tagged"])), mill.finish(runs["tagged"])
    assert (row["tags"], row["batch"]) == (record["tags"], record["batch"])
    assert row["tags"] == {"sample": "s1", "site": "Zürich & more"}
    assert (row["owner"], row["execution"], row["size"]) == (OWNER, record["execution"], 4)
    assert (row["status"], row["ended"]) == (outcome["status"], outcome["ended_at"].replace("Z", "+00:00"))
    _, status, _ = call("status", runs["tagged"])
    assert (status["tags"], status["batch"], status["started"]) == (row["tags"], row["batch"], row["started"])


def test_pages_go_on_where_they_ended(call: Call, runs: dict[str, str]):
    whole, found, after = listed(call, "--search", "catalogue/"), [], []
    for _ in whole:
        _, page, notes = call("runs", "-n", "1", "--search", "catalogue/", *after)
        found += [run["run"] for run in page]
        after = ["--after", notes.partition("--after ")[2].strip()]
    assert found == whole
    code, _, notes = call("runs", "--after", "nonsense")
    assert (code, "Give --after as the list before printed it" in notes) == (ExitCode.REFUSED, True)


@pytest.mark.parametrize("words", [[], ["--tag", "sample=s1"], ["--status", "FAILED", "--search", "x"], ["-n", "50"]])
def test_a_page_takes_two_calls_and_asks_for_no_execution(call: Call, runs: dict[str, str], called: list[str], words):
    assert runs
    call("runs", *words)
    assert called == ["Query", "ListExecutions"]


@pytest.mark.parametrize("unknown", ["0123456789abcdef", "fffff"])
def test_an_id_that_nobody_knows_takes_three_calls(mill: Mill, runs: dict[str, str], called: list[str], unknown: str):
    assert runs
    stack = open_stack(mill.target, "gristmill")
    stack.store.clock = type(stack.store.clock)(unix=lambda: stack.store.clock.now() + 4e9)  # nothing began just now
    with pytest.raises(NotFound):
        find_run(stack, unknown)
    assert len(called) == 3
    assert "DescribeExecution" not in called


def key_of(run: str) -> dict[str, Any]:
    return {"kind": {"S": RUN}, "id": {"S": run}}


@pytest.fixture
def table(mill: Mill) -> dict[str, Any]:
    return {"TableName": mill.outputs["CatalogueTableName"]}


def spoil(mill: Mill, table: dict[str, Any], run: str, **changes: str) -> None:
    """Write other facts into a run's row, as nobody should."""
    client = mill.client("dynamodb")
    row = client.get_item(**table, Key=key_of(run))["Item"]
    facts = json.loads(row["entry"]["S"]) | changes
    client.put_item(**table, Item={**row, "entry": {"S": json.dumps(facts)}})


def test_a_list_says_that_it_is_behind_and_a_rebuild_mends_it(
    mill: Mill, call: Call, runs: dict[str, str], table: dict[str, Any]
):
    client, lost, stale = mill.client("dynamodb"), runs["plain"], runs["tagged"]
    client.delete_item(**table, Key=key_of(lost))
    spoil(mill, table, stale, status="RUNNING", ended_at=None)  # type: ignore[arg-type]
    _, found, notes = call("runs", "--batch", "sweep-1")
    assert [(run["status"], run["is_behind"]) for run in found] == [("RUNNING", True)]
    assert f"The catalogue is behind: run {stale} has ended" in notes
    assert lost not in listed(call)
    assert call("status", lost)[1]["status"] == call("status", stale)[1]["status"] == "SUCCEEDED"  # by the truth
    code, rebuilt, _ = call("catalogue", "rebuild")
    assert (code, rebuilt["left_out"]) == (0, [])
    assert rebuilt["entered"] >= len(runs)
    assert set(runs.values()) <= set(listed(call))
    _, found, notes = call("runs", "--batch", "sweep-1")
    assert [(run["status"], run["is_behind"]) for run in found] == [("SUCCEEDED", False)]
    assert "behind" not in notes
    rows = client.scan(**table)["Items"]
    assert len([row for row in rows if (entry := entry_in(row)) and entry.run == stale]) == 3  # and two tags


def test_what_goes_on_and_is_not_in_the_catalogue_is_told_and_stopped_all_the_same(
    mill: Mill, call: Call, table: dict[str, Any], tmp_path
):
    run = mill.drop("trouble", "catalogue/hanging.txt", b"BAD\n", mode="hang", marks=str(tmp_path))
    mill._until(lambda: any(tmp_path.iterdir()), 30, "no task began")
    assert call("runs", "--status", "RUNNING")[1][0]["run"] == run
    mill.client("dynamodb").delete_item(**table, Key=key_of(run))
    _, found, notes = call("runs")
    assert run not in [each["run"] for each in found]
    assert "Executions that have begun, and have not claimed their runs yet: 1." in notes
    assert call("catalogue", "rebuild")[0] == 0
    assert call("runs")[1][0]["status"] == "RUNNING"
    stack = open_stack(mill.target, "gristmill")
    assert stop(stack, find_run(stack, run, thorough=True), "miller", 20).proved
    mill._until(lambda: call("runs")[1][0]["status"] == "ABORTED", 20, "the stop is not entered")


def test_a_stack_without_a_catalogue_still_lists(mill: Mill, runs: dict[str, str], monkeypatch, call: Call):
    """It was deployed by an earlier version: it has no such output."""
    with monkeypatch.context() as patch:
        patch.setattr(Stack, "catalogue", None)
        assert set(runs.values()) <= set(listed(call))
        assert set(listed(call, "--tag", "sample=s1")) == {runs["other"], runs["tagged"]}
        code, _, notes = call("catalogue", "rebuild")
        assert (code, "has no catalogue yet" in notes) == (ExitCode.UNREACHABLE, True)
        assert call("status", "0123456789abcdef")[0] == ExitCode.NOT_FOUND
        assert call("status", runs["plain"])[1]["status"] == "SUCCEEDED"


@pytest.fixture(scope="module")
def tableless(mill: Mill) -> Mill:
    """A stack whose table was deleted by hand."""
    stack = deployed(mill.endpoint, mill.data, "tableless")
    mill.client("dynamodb").delete_table(TableName=stack.outputs["CatalogueTableName"])
    return stack


def test_no_run_fails_for_a_catalogue_that_cannot_be_written(tableless: Mill, call: Call):
    run = tableless.drop("strings", "a.txt", b"a\n")
    assert tableless.finish(run)["status"] == "SUCCEEDED"
    code, found, notes = call("runs", stack="tableless")
    assert (code, [(each["run"], each["status"]) for each in found]) == (0, [(run, RunStatus.SUCCEEDED)])
    assert "The catalogue cannot be read here" in notes
    assert call("status", "0123456789abcdef", stack="tableless")[0] == ExitCode.NOT_FOUND


def test_tags_that_cannot_be_are_refused_before_the_file_travels(call: Call, tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"a\n")
    for words, why in {
        ("--tag", "1st=x"): "tag '1st': a name has letters, digits and . _ -",
        ("--tag", f"a={'x' * 101}"): "is not one line of 1 to 100 characters",
        ("--batch", "my sweep"): "batch 'my sweep': a name has letters",
        ("-p", "gristmill-tags=a"): "names that begin with gristmill_ are reserved",
    }.items():
        code, _, notes = call("run", "strings", str(file), *words)
        assert (code, why in notes, "Nothing was uploaded" in notes) == (ExitCode.REFUSED, True, True), notes
    many = [word for number in range(11) for word in ("--tag", f"t{number}=x")]
    assert "11 tags: a run has at most 10" in call("run", "strings", str(file), *many)[2]
    code, started, _ = call("run", "strings", str(file), "--no-watch", "--tag", "kind=cli", "--batch", "from-cli")
    assert (code, set(started)) == (0, {"run", "bucket", "key"})
