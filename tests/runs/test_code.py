"""A run is made by the code that it was claimed with, whatever becomes of the folder that this lay in."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.cli import main
from gristmill.code.archive import pack
from gristmill.code.digest import CodeFile, digest_of, read_folder
from gristmill.errors import ExitCode
from gristmill.runs.records import RunRecord
from tests.integration.conftest import deployed
from tests.integration.mill import Mill

YAML = """version: 1
name: amended
description: Two stages that say which code they are; the first waits for the test.
parameters:
  gate: {type: string, description: the file that opens the gate}
stages:
  - name: first
    split: {records: whole}
    branches: [{name: waiting, run: "jobs:wait", attempts: 1}]
  - name: second
    input: waiting
    split: {records: whole}
    branches:
      - {name: called, run: "jobs:say", attempts: 1}
      - {name: told, script: 'cat "$INPUT" "$PIPELINE/words.txt" > "$OUTPUT"', attempts: 1}
"""
JOBS = '''"""The jobs of a pipeline that is edited."""

import time
from pathlib import Path

import helper


def wait(source, sink, parameters):
    Path(parameters["gate"] + ".seen").touch()
    while not Path(parameters["gate"]).exists():
        time.sleep(0.02)
    sink.write(b"{version}\\n")


def say(source, sink, parameters):
    sink.write(source.read() + helper.WORDS)
'''


@pytest.fixture
def folder(mill: Mill) -> Iterator[Path]:
    made = mill.data / "pipelines" / "amended"
    made.mkdir(parents=True, exist_ok=True)
    yield made
    for file in made.iterdir():
        file.unlink()
    made.rmdir()


def write(folder: Path, version: str) -> None:
    """Write the pipeline's folder; both of its versions are of one length, and may be written within a second."""
    (folder / "pipeline.yaml").write_text(YAML if version == "one" else YAML.replace("called", "shouted"))
    (folder / "jobs.py").write_text(JOBS.replace("{version}", version))
    (folder / "helper.py").write_text(f'WORDS = b"{version}\\n"\n')
    (folder / "words.txt").write_text(f"{version}\n")


def begun(mill: Mill, gate: Path, name: str) -> str:
    """Drop a file; return its run once the first stage waits."""
    run = mill.drop("amended", name, b"x\n", gate=str(gate))
    seen, end = Path(f"{gate}.seen"), time.monotonic() + 30
    while not seen.exists():
        assert time.monotonic() < end, "the first stage does not begin"
        time.sleep(0.02)
    return run


def test_edit_during_a_run_changes_nothing_of_it_and_all_say_which_code_it_is(
    mill: Mill,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder, "one")
    digest, gate = digest_of(read_folder(folder)), tmp_path / "gate"
    run = begun(mill, gate, "a.txt")
    write(folder, "two")
    gate.touch()
    assert mill.finish(run)["status"] == "SUCCEEDED"
    for name in ("called.txt", "told.txt"):
        assert mill.read(keys.result("amended", "a.txt", run, name)) == b"one\none\n"
    code = mill.read_json(keys.run_record(run))["code"]
    assert (code["digest"], code["built_in"], code["version"]) == (digest, False, None)
    named = f"{digest[:12]} (not pushed)"
    assert f"Code      {named}\n" in mill.mail(run, "SUCCEEDED").get_content()
    assert named in mill.read(keys.report("amended", "a.txt", run, "html")).decode()
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    capsys.readouterr()
    assert main.call(["status", run]) == 0
    assert named in capsys.readouterr().out
    after = mill.drop("amended", "b.txt", b"x\n", gate=str(gate))
    assert mill.finish(after)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("amended", "b.txt", after, "shouted.txt")) == b"two\ntwo\n"


def test_code_that_was_replaced_in_the_bucket_is_not_what_a_run_reads(mill: Mill, folder: Path, tmp_path: Path) -> None:
    write(folder, "one")
    gate = tmp_path / "gate"
    run = begun(mill, gate, "c.txt")
    mill.client("s3").put_object(Bucket=mill.bucket, Key=keys.code(run), Body=flipped(mill.read(keys.code(run))))
    gate.touch()
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("amended", "c.txt", run, "called.txt")) == b"one\none\n"


OTHER = [CodeFile("jobs.py", False, b"raise SystemExit\n")]


@pytest.mark.parametrize(("is_other", "why"), [(False, "code.zip cannot be unpacked: "), (True, "code is ")])
def test_code_that_is_not_what_run_json_says_ends_the_child(
    mill: Mill, folder: Path, tmp_path: Path, is_other: bool, why: str
) -> None:
    write(folder, "one")
    gate = tmp_path / "gate"
    run = begun(mill, gate, "d.txt")
    body = pack(OTHER) if is_other else flipped(mill.read(keys.code(run)))
    mill.client("s3").put_object(Bucket=mill.bucket, Key=keys.code(run), Body=body)
    point_to_newest(mill, run)
    gate.touch()
    assert mill.finish(run)["status"] == "FAILED"
    text = mill.mail(run, "FAILED").get_content()
    record = RunRecord.model_validate_json(mill.read(keys.run_record(run)))
    assert record.code is not None
    assert why in text
    assert not is_other or f"code is {digest_of(OTHER)[:12]}…, run.json says {record.code.digest[:12]}…" in text
    assert mill.results("amended", "d.txt", run) == ["waiting.txt"]


def flipped(body: bytes) -> bytes:
    """Return an archive with one bit of a file's content flipped."""
    place = body.index(b"jobs.py") + 60
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def point_to_newest(mill: Mill, run: str) -> None:
    """Have run.json name the newest version of code.zip: as if the bytes of the first one had rotted."""
    record, head = mill.read_json(keys.run_record(run)), mill.store.head(keys.code(run))
    assert head is not None
    record["code"]["object"] |= {"version": head.version, "etag": head.etag, "size": head.size}
    mill.store.put(keys.run_record(run), RunRecord.model_validate(record).model_dump_json().encode())


def test_a_task_of_a_run_is_tried_here_with_its_input_code_and_parameters(
    mill: Mill,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder, "one")
    gate = tmp_path / "gate"
    gate.touch()
    run = mill.drop("amended", "e.txt", b"x\n", gate=str(gate))
    assert mill.finish(run)["status"] == "SUCCEEDED"
    write(folder, "two")
    before = mill.sizes("")
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))

    def tried(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main.call(["try", "--run", run, *words])
        return code, *capsys.readouterr()

    code, out, err = tried("--branch", "called", "--task", "0", "--results", str(tmp_path))
    assert code == 0
    assert "second/called: 1 task; records 1 in, 2 out" in out
    assert "  | one\n  | one\n" in out
    assert "(not pushed)" in err
    assert (tmp_path / "try" / "called-0.txt").read_bytes() == b"one\none\n"
    for words, why in (
        (["--task", "0"], "has several branches; there are: first/waiting, second/called, second/told"),
        (["--stage", "third", "--task", "0"], "has no branch third/*; there are: first/waiting"),
        (["--branch", "told", "--task", "1"], "has no task 1: it has 0 to 0"),
    ):
        code, _, err = tried(*words)
        assert (code, why in err) == (ExitCode.REFUSED, True), err
    assert tried("--branch", "told")[0] == ExitCode.USAGE
    assert mill.sizes("") == before


def test_failed_task_of_a_run_fails_here_in_the_same_way(
    mill: Mill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = mill.drop("brittle", "tried.txt", b"a\nb\nBAD\nd\n", gate=str(tmp_path / "gate"))
    assert mill.finish(run)["status"] == "FAILED"
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    capsys.readouterr()
    assert main.call(["try", "--run", run, "--task", "2"]) == ExitCode.FAILED
    printed = capsys.readouterr()
    assert "copy/copied, task 2: ValueError: the grain is wet" in printed.err
    assert "its input: bytes 4 to 8, from line 3" in printed.out
    (tmp_path / "gate").touch()
    assert main.call(["try", "--run", run, "--task", "2", "--json"]) == ExitCode.OK
    tried = json.loads(capsys.readouterr().out)
    assert (tried["task"], tried["branches"][0]["head"]) == (2, ["BAD"])


def test_deployment_during_a_run_changes_no_image_of_it(mill: Mill, folder: Path, tmp_path: Path) -> None:
    write(folder, "one")
    gate = tmp_path / "gate"
    run = begun(mill, gate, "f.txt")
    record = mill.read_json(keys.run_record(run))
    (definition,) = set(record["definitions"].values())
    assert set(record["images"].values()) == {"none"}  # jobs are processes here
    try:
        deployed(mill.endpoint, mill.data, JobImage="jobs:another")
        gate.touch()
        assert mill.finish(run)["status"] == "SUCCEEDED"
        ids = [job["jobId"] for job in mill.jobs(run)]
        jobs = mill.client("batch").describe_jobs(jobs=ids)["jobs"]
        assert {job["jobDefinition"] for job in jobs} == {definition}
        assert len(jobs) == 3
        after = mill.drop("amended", "g.txt", b"x\n", gate=str(gate))
        assert mill.finish(after)["status"] == "SUCCEEDED"
        assert set(mill.read_json(keys.run_record(after))["images"].values()) == {"jobs:another"}
        assert "\nImage     jobs:another\n" in mill.mail(after, "SUCCEEDED").get_content()
        assert definition not in mill.read_json(keys.run_record(after))["definitions"].values()
    finally:
        deployed(mill.endpoint, mill.data)
