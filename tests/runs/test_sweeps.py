"""Batches as users start and read them from the command line: files times values, priced, run, compared."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.errors import ExitCode
from gristmill.storage.resumable import PartUpload
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]


@pytest.fixture
def files(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    names = ["oak.txt", "elm.txt", "ash.txt"]
    for place, name in enumerate(names, 1):
        Path(name).write_bytes(b"grain\n" * place + tmp_path.name.encode())
    return names


def uploaded(mill: Mill) -> set[str]:
    return set(mill.keys(keys.UPLOADS))


@pytest.mark.usefixtures("files")
def test_a_batch_of_files_and_values_is_run_listed_compared_and_brought_here(mill: Mill, cli: Cli, tmp_path: Path):
    before = uploaded(mill)
    answer = cli("batch", "swept", "*.txt", "-p", "k=1..2", "--name", "trees", "--tag", "wood=soft", "--json")
    assert answer.code == ExitCode.OK, answer.err
    run = answer.json["run"]
    new = uploaded(mill) - before
    assert len(new) == 4 and sum(key.endswith("/items.jsonl") for key in new) == 1

    compared = cli("compare", "trees", "--json").json
    assert [(item["name"], item["status"]) for item in compared["items"]] == [
        (f"{name}-k={k}", "SUCCEEDED") for name in ("ash", "elm", "oak") for k in (1, 2)
    ]
    sizes = {Path(name).stem: Path(name).stat().st_size for name in ("ash.txt", "elm.txt", "oak.txt")}
    weights = [size * k for _, size in sorted(sizes.items()) for k in (1, 2)]
    assert [item["figures"] for item in compared["items"]] == [{"figures.weight": weight} for weight in weights]
    assert all(item["cost"] > 0 for item in compared["items"])
    rows = list(csv.DictReader(io.StringIO(cli("compare", run[:10], "--csv").out)))
    assert [(row["item"], row["k"], row["figures.weight"]) for row in rows][:2] == [
        ("ash-k=1", "1", str(weights[0])),
        ("ash-k=2", "2", str(weights[1])),
    ]
    table = cli("compare", "trees").out
    assert "6 items: 6 SUCCEEDED; $0." in table and "mark" not in table.lower()

    for name in ("trees", run):
        listed = cli("runs", "--batch", name, "--json").json
        assert {each["run"] for each in listed} == {item["run"] for item in compared["items"]}
    assert {json.dumps(each["tags"]) for each in listed} == {'{"wood": "soft"}'}

    brought = cli("results", "trees", "--download", "here")
    assert brought.code == 0 and "oak-k=2" in brought.out
    assert json.loads((tmp_path / "here/trees/oak-k=2/figures.json").read_text()) == {"weight": weights[5]}
    assert len(list((tmp_path / "here/trees").iterdir())) == 6

    assert cli("compare", "trees", "--page", "page.html").code == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 6 and "<script" not in page
    assert "default-src 'none'" in page and not re.search(r"(src|href)=\"(?!data:)", page)


@pytest.mark.usefixtures("files")
def test_an_item_that_fails_is_named_with_its_reason_and_the_others_stand(cli: Cli):
    Path("items.csv").write_text('input,k,mark\noak.txt,1,"a, b"\nelm.txt,7,<script>\n')
    answer = cli(
        "batch", "swept", "--manifest", "items.csv", "--name", "torn", "--at-once", "1", "--no-watch", "--json"
    )
    assert answer.code == 0, answer.err
    watched = cli("watch", answer.json["run"])
    assert watched.code == ExitCode.FAILED
    assert "Items: 1 succeeded, 1 failed;" in watched.out
    assert "2 of 2 items ended" in watched.err
    items = cli("compare", "torn", "--json").json["items"]
    assert [item["status"] for item in items] == ["SUCCEEDED", "FAILED"]
    assert "the script ended with exit code 3" in items[1]["reason"]
    assert cli("compare", "torn", "--page", "page.html").code == 0
    page = Path("page.html").read_text()
    assert "&lt;script&gt;" in page and "<script" not in page
    brought = cli("results", "torn", "--json")
    assert {found["item"] for found in brought.json["results"]} == {items[0]["name"]}
    assert "1 of 2 items have not succeeded" in brought.err


@pytest.mark.usefixtures("files")
def test_what_cannot_run_is_refused_before_anything_travels_and_a_dry_run_starts_nothing(mill: Mill, cli: Cli):
    before = uploaded(mill)
    Path("bad.csv").write_text("input,k\noak.txt,0\ngone.txt,1\n")
    for words, fault in [
        (("oak.txt", "-p", "k=1,x"), "oak.txt with k=x: parameter k: 'x' is not a whole number"),
        (("oak.txt", "-p", "kk=1"), "swept has no such parameter (it has: k, mark)"),
        (("*.fa",), "*.fa matches no file"),
        (("oak.txt", "-p", "k=1..9", "--max-cost", "0.0001"), "and may cost $0.0001"),
        (("oak.txt", "--name", "my sweep"), "batch 'my sweep': a name has"),
        (("--manifest", "bad.csv"), "bad.csv:3: input: gone.txt is no file"),
        (("uploads/x/gone.txt",), "uploads/x/gone.txt does not exist"),
    ]:
        answer = cli("batch", "swept", *words)
        assert (answer.code, fault in answer.err) == (ExitCode.REFUSED, True), answer.err
    assert cli("batch", "swept").code == ExitCode.USAGE
    dry = cli("batch", "swept", "*.txt", "-p", "k=1,2", "--dry-run")
    assert dry.code == 0 and "6 items, 20 at once: about $" in dry.out
    assert len(cli("batch", "swept", "oak.txt", "--dry-run", "--json").json["items"]) == 1
    assert uploaded(mill) == before
    answer = cli("compare", "nosuchbatch")
    assert answer.code == ExitCode.NOT_FOUND


@pytest.mark.usefixtures("files")
def test_a_batch_that_is_cut_off_has_started_nothing_and_goes_on(mill: Mill, cli: Cli, monkeypatch: pytest.MonkeyPatch):
    sent: list[str] = []
    send = PartUpload.send

    def broken(self: PartUpload, *given: object) -> object:
        sent.append(self._names["Key"])
        if len(sent) == 3:
            raise KeyboardInterrupt
        return send(self, *given)

    words = ("batch", "swept", "*.txt", "-p", "k=3", "--name", "cut-off", "--no-watch", "--json")
    with monkeypatch.context() as patched:
        patched.setattr(PartUpload, "send", broken)
        answer = cli(*words)
    assert answer.code == ExitCode.INTERRUPTED
    assert "Nothing has started." in answer.err
    note = keys.batch_note_key("swept", "cut-off")
    assert not mill.keys(note)
    there = {key for key in uploaded(mill) if key in sent}
    resumed = cli(*words)
    assert resumed.code == 0, resumed.err
    assert mill.keys(note) == [note]
    assert there <= uploaded(mill)
    assert mill.finish(resumed.json["run"])["status"] == "SUCCEEDED"
