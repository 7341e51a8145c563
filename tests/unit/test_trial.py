"""A pipeline tried and begun from the command line, with no cloud of any kind."""

import gzip
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from gristmill.cli import main
from gristmill.cli.commands.trial import preview
from gristmill.client.drop import first_chunks
from gristmill.errors import ExitCode
from tests.unit.conftest import ROOTS


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(ROOTS[1]))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)

    def refuse(*_: Any) -> None:
        raise AssertionError("a try needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def tried(capsys, *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main.call(["try", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def result(name: str) -> bytes:
    return (Path("out", "try") / name).read_bytes()


def test_the_first_tasks_make_what_a_run_would_make_of_them(capsys):
    lines = [b"line %d of m\xc3\xbchle\n" % number for number in range(1000)]
    Path("words.txt").write_bytes(b"".join(lines))
    code, shown = tried(capsys, "strings", "words.txt", "-p", "lines_per_task=10", "--tasks", "4", "--results", "out")
    assert code == 0
    assert [(branch["branch"], branch["tasks"], branch["records_in"]) for branch in shown["branches"]] == [
        ("repeat", 4, 40),
        ("reverse", 4, 40),
    ]
    assert result("repeat.txt") == b"".join(line[:-1] * 2 + b"\n" for line in lines[:40])
    assert shown["branches"][0]["head"][0] == "line 0 of mühle" * 2


def test_the_first_tasks_of_many_are_given_what_the_stage_joins(capsys):
    Path("joining").mkdir()
    stages = """
version: 1
name: joining
description: Joins.
stages:
  - name: first
    split: {records: whole}
    branches:
      - name: made
        outputs: {list: {suffix: .list.txt}, beside: {}}
        script: |
          seq 9 > "$OUTPUT_LIST"
          echo beside > "$OUTPUT_BESIDE"
  - name: second
    input: made.list
    with: {other: made.beside}
    split: {records: list}
    branches: [{name: joined, command: [cp, "{other}", "{output}"]}]
"""
    Path("joining", "pipeline.yaml").write_text(stages)
    Path("x.txt").write_text("x\n")
    code, shown = tried(capsys, "./joining", "x.txt", "--tasks", "2", "--results", "out")
    assert (code, shown["branches"][-1]["head"]) == (0, ["beside", "beside"])
    # the output `list` that ends in `.list.txt` is not called so twice
    assert sorted(file.name for file in Path("out/try").iterdir()) == ["joined.txt", "made.beside.txt", "made.list.txt"]


def test_a_trial_says_that_a_run_would_leave_failed_tasks_out(capsys):
    Path("lenient").mkdir()
    stages = """
stages:
  - name: first
    split: {records: lines, records_per_task: 1}
    branches:
      - {name: sifted, tolerate: 50%, script: 'grep -v BAD "$INPUT" > "$OUTPUT"'}
      - {name: strict, script: 'cat "$INPUT" > "$OUTPUT"'}
"""
    Path("lenient", "pipeline.yaml").write_text(f"version: 1\nname: lenient\ndescription: d\n{stages}")
    Path("x.txt").write_text("a\nBAD\n")
    assert main.call(["try", "./lenient", "x.txt"]) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert "sifted tolerates failed tasks: a run leaves out 50% of its tasks at most, and goes on; a trial does" in told
    assert "strict tolerates" not in told
    Path("x.txt").write_text("a\nb\n")
    assert main.call(["try", "./lenient", "x.txt"]) == 0
    assert "tolerates" not in capsys.readouterr().err


def test_every_kind_of_stage_and_merge_is_tried(capsys):
    Path("t.csv").write_bytes(b'name,count\r\nanna,1\r\n"b\nq",20\r\nc,300\r\n')
    code, shown = tried(capsys, "table", "t.csv", "--results", "out")
    assert code == 0
    assert [branch["stage"] for branch in shown["branches"]] == [
        *["rows"] * 3,
        "total-merge",
        "plan",
        "items",
        "again",
        "bind",
    ]
    assert json.loads(result("total.json")) == {"sum": 321, "parts": 2}
    assert result("copied.csv") == Path("t.csv").read_bytes()
    assert result("pages/000000000001.txt") == b"name\nc\n"
    assert result("pages/files.csv").decode().splitlines() == [
        "file,task,item,first_byte,end_byte,bytes,records",
        "000000000000.txt,0,,12,30,14,1",
        "000000000001.txt,1,,30,37,7,1",
    ]
    assert result("bound.txt") == b"name\nanna\nb\nq\n--\nname\nc\n"
    size = Path("t.csv").stat().st_size
    read = {branch["stage"]: branch["bytes_in"] for branch in shown["branches"]}
    made = {branch["branch"]: branch["bytes_out"] for branch in shown["branches"]}
    assert read["total-merge"] == made["total-parts"]
    assert read["again"] == read["bind"] == made["pages"]
    items = [line for line in result("seen.txt").decode().splitlines() if line]
    assert read["items"] == sum(int(line.split()[-1]) for line in items)
    assert result("seen.txt").splitlines()[2] == f"2 s3://none/inputs/table/t.csv {size}".encode()


def test_a_failure_has_its_place_its_line_and_the_frames_of_the_pipeline_alone(capsys):
    Path("t.csv").write_bytes(b"name,count\nanna,1\nb,2\nc,x\nd,4\n")
    assert main.call(["try", "table", "t.csv"]) == ExitCode.FAILED
    printed = capsys.readouterr()
    assert "rows/total-parts, task 1: ValueError: invalid literal for int() with base 10: 'x'." in printed.err
    assert "  its input: bytes 22 to 30, from line 4\n" in printed.out
    assert "jobs.py" in printed.out
    assert "runner.py" not in printed.out
    assert "Not tried, for they come after that: total-merge, plan, items, again, bind\n" in printed.err


def test_no_more_of_a_large_file_is_looked_at_than_the_tasks_need(capsys, monkeypatch):
    monkeypatch.setattr(first_chunks, "_FIRST_LOOK", 4000)
    record = b"@read\nACGT\n+\nIIII\n"
    Path("r.fastq").write_bytes(record * 2000 + b"@broken\n")
    for size in (500, 5000, 20_000):  # within the first look, larger than it, and larger than the second
        code, shown = tried(
            capsys, "reads", "r.fastq", "-p", f"bytes_per_task={size}", "--tasks", "1", "--results", "o"
        )
        if size < 20_000:
            (received,) = shown["branches"]
            assert (code, received["failed"]) == (0, 0)
            assert received["bytes_in"] == received["records_in"] * len(record) >= size
    assert code == 0 or shown["branches"][0]["faults"]


def test_gzip_is_one_task_whole_or_refused(capsys):
    packed = gzip.compress(b"@read\nACGT\n+\nIIII\n" * 500, mtime=0)
    Path("r.fastq.gz").write_bytes(packed)
    code, shown = tried(capsys, "reads", "r.fastq.gz")
    (branch,) = shown["branches"]
    assert (code, branch["tasks"], branch["records_in"]) == (0, 1, 500)
    Path("r.fastq.gz").write_bytes(packed[:-9])
    assert main.call(["try", "reads", "r.fastq.gz"]) == ExitCode.REFUSED
    assert f"byte {len(packed) - 9}: the gzip file is cut off here" in capsys.readouterr().err


def test_gzip_that_breaks_off_behind_what_split_looks_at_fails_its_task(capsys):
    packed = gzip.compress(b"@read\nACGT\n+\nIIII\n" * 100_000, mtime=0)
    Path("r.fastq.gz").write_bytes(packed[:-9])
    code, shown = tried(capsys, "reads", "r.fastq.gz")
    (fault,) = shown["branches"][0]["faults"]
    assert code == ExitCode.FAILED
    assert "gzipped.py" not in str(fault), "no code is at fault"
    assert fault["reason"].startswith(
        f"byte {len(packed) - 9}: the gzip file is cut off here, in the middle of its data."
    )


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["strings", "none.txt"], "does not exist"),
        (["stringz", "empty.txt"], "; did you mean strings?"),
        (["strings", "empty.txt"], "the file is empty"),
        (["strings", "one.txt", "-p", "lines=5"], "strings has no such parameter (it has: lines_per_task"),
        (["reads", "one.txt"], "@"),
        (["strings", "one.txt", "-p", "lines-per-task=1", "-p", "lines_per_task=2"], "lines_per_task is given twice"),
        (["strings", "one.txt", "-p", f"lines={'5' * 2049}"], "allows 2,048 in all"),
    ],
)
def test_what_s3_or_split_would_refuse_is_refused(capsys, words: list[str], fault: str):
    Path("empty.txt").touch()
    Path("one.txt").write_text("one\n")
    assert main.call(["try", *words]) in (ExitCode.REFUSED, ExitCode.USAGE)
    printed = capsys.readouterr()
    assert fault in printed.err
    assert printed.out == ""


def test_outputs_are_shown_as_a_terminal_can():
    assert preview(b"", 0) == []
    assert preview(b"a\n" * 9, 18) == ["a"] * 5 + ["…"]
    assert preview(b"x" * 4096, 9999) == ["x" * 110 + "…", "…"]
    assert preview("mü".encode()[:-1], 2) == ["m�"]
    assert preview(b"\x89PNG\r\n\x1a\n\x00", 999) == ["binary, begins with 89 50 4e 47 0d 0a 1a 0a 00"]


def test_a_new_pipeline_is_sound_and_works_at_once(capsys, monkeypatch):
    assert main.call(["new", "first-one"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Wrote pipelines/first-one: jobs.py, pipeline.yaml, sample.txt"
    assert printed[2].split("=")[1].split(os.pathsep) == [str(ROOTS[1]), str(Path("pipelines").absolute())]
    monkeypatch.setenv("GRISTMILL_PIPELINES", "pipelines")
    assert main.call(["pipelines", "validate", "first-one"]) == 0
    sample = "pipelines/first-one/sample.txt"
    code, _ = tried(capsys, "first-one", sample, "-p", "lines_per_task=2", "--results", "out")
    assert code == 0
    text = Path(sample).read_text()
    lines = text.splitlines()
    figures = {"lines": len(lines), "characters": sum(map(len, lines)), "words": len(text.split())}
    assert json.loads(result("summary.json")) == figures
    assert result("measured.tsv").decode().splitlines()[1] == "27\t5\tThe miller sets the stones,"


def test_new_overwrites_nothing_and_leaves_nothing_half(capsys):
    taken = Path("mine", "taken")
    taken.mkdir(parents=True)
    for name in ("taken", "strings", "Bad", "../out", ""):
        assert main.call(["new", name, "--into", "mine"]) == ExitCode.REFUSED
    assert [path.name for path in Path("mine").iterdir()] == ["taken"]
    assert list(taken.iterdir()) == []


@pytest.mark.parametrize(
    ("jobs", "fault"),
    [
        ("def make(:\n", "SyntaxError: invalid syntax"),
        ("\n1 / 0\n", "ZeroDivisionError: division by zero (jobs.py, line 2)"),
        ("x = 1\n", "jobs:make: module jobs has no function make"),
        (None, "No module named 'jobs'"),
    ],
)
def test_validate_says_at_which_line_of_the_file_code_is_named_that_does_not_load(capsys, request, jobs, fault: str):
    name = f"odd-{abs(hash(request.node.name))}"  # modules are kept by the pipeline's name
    folder = Path("pipelines", name)
    assert main.call(["new", name]) == 0
    file = folder / "pipeline.yaml"
    (folder / "jobs.py").unlink()
    if jobs is not None:
        (folder / "jobs.py").write_text(jobs)
    file.write_text(file.read_text().replace("jobs:measure", "jobs:make").replace("jobs:summarise", "jobs:make"))
    capsys.readouterr()
    assert main.call(["pipelines", "validate", str(file)]) == ExitCode.REFUSED
    printed = capsys.readouterr().err.splitlines()
    assert printed[0].startswith(f"error: {file}:19: stages.0.branches.0.run: pipeline {name}: ")
    assert printed[1].startswith(f"error: {file}:30: stages.1.branches.0.run: pipeline {name}: ")
    assert all(fault in line for line in printed)


def test_a_library_that_is_not_installed_is_no_fault_of_the_pipeline_but_is_told(capsys):
    assert main.call(["new", "lacking"]) == 0
    jobs = Path("pipelines", "lacking", "jobs.py")
    jobs.write_text("import nowhere_at_all\n" + jobs.read_text())
    assert main.call(["pipelines", "validate", "pipelines/lacking/pipeline.yaml"]) == 0
    lack = "pipeline lacking: jobs needs nowhere_at_all, which is neither installed here nor a module of the pipeline's"
    assert capsys.readouterr().err.startswith(lack)


@pytest.mark.parametrize(
    ("lock", "fault"),
    [
        (None, "there is no file wheels.lock in the folder, which `libraries` names"),
        ("six==1.16.0\n", "wheels.lock: six==1.16.0 has no hash"),
        (f"six==1.16.0 --hash=sha256:{'0' * 64}\n", ""),
    ],
)
def test_validate_reads_the_lock_file_and_leaves_to_it_what_is_not_installed(capsys, lock: str | None, fault: str):
    assert main.call(["new", "locked"]) == 0
    file, jobs = Path("pipelines", "locked", "pipeline.yaml"), Path("pipelines", "locked", "jobs.py")
    file.write_text("libraries: wheels.lock\n" + file.read_text())
    jobs.write_text("import nowhere_at_all\n" + jobs.read_text())
    if lock:
        (file.parent / "wheels.lock").write_text(lock)
    capsys.readouterr()
    code, printed = main.call(["pipelines", "validate", "./pipelines/locked"]), capsys.readouterr()
    if fault:
        assert code == ExitCode.REFUSED
        assert f"pipeline.yaml:1: libraries: {fault}. Make one with: uv pip compile" in printed.err
    else:
        assert (code, printed.out) == (0, "./pipelines/locked: sound\n")
        assert printed.err == (
            "pipeline locked: jobs needs nowhere_at_all, which is neither installed here nor a module of the "
            "pipeline's folder. Its libraries must bring it: wheels.lock.\n"
        )


def test_pipelines_are_listed_in_short_lines_and_a_broken_one_hides_no_other(capsys, monkeypatch):
    Path("mine", "broken").mkdir(parents=True)
    Path("mine", "broken", "pipeline.yaml").write_text("version: 1\n")
    monkeypatch.setenv("GRISTMILL_PIPELINES", f"{ROOTS[1]}{os.pathsep}mine")
    assert main.call(["pipelines"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 140
    assert any(line.startswith("strings ") for line in lines)
    (broken,) = [line for line in lines if line.startswith("broken ")]
    assert broken.endswith("has faults; see: gristmill pipelines validate broken")


def test_folder_with_the_name_of_a_built_in_pipeline_is_refused_and_not_silently_another(capsys, monkeypatch):
    assert main.call(["new", "mine"]) == 0
    monkeypatch.setenv("GRISTMILL_PIPELINES", "pipelines")
    file = Path("pipelines", "mine").rename(Path("pipelines", "strings")) / "pipeline.yaml"
    file.write_text(file.read_text().replace("name: mine", "name: strings"))
    Path("file.txt").write_text("a\n")
    capsys.readouterr()
    for command in (["try", "strings", "file.txt"], ["pipelines", "show", "strings"], ["pipelines", "validate"]):
        assert main.call(command) == ExitCode.REFUSED
        assert "/pipelines/strings has the name of the built-in pipeline strings" in capsys.readouterr().err
