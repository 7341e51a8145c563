"""A run that goes on with its pipeline changed: what is computed as before is kept, and the rest is redone whole."""

import re
from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]

CLEAN = 'cp "$INPUT" "$OUTPUT"'
SLOW = f'grep -q wet "$INPUT" && sleep 4; {CLEAN}'
COUNT = 'wc -l < "$INPUT" | tr -d " " > "$OUTPUT"'
PIPELINE = """
version: 1
name: {name}
description: Lines that are cleaned, and counted.
stages:
  - name: first
    split: {{records: lines, records_per_task: 2}}
    branches:
      - {{name: clean, script: '{clean}', timeout: {timeout}, attempts: 1}}
  - name: second
    input: clean
    split: {{records: lines, records_per_task: 3}}
    branches:
      - {{name: count, script: '{count}', attempts: 1, same_record_count: false}}
"""
LINES = b"dry\ndry\nwet\ndry\ndry\ndry\n"


def define(mill: Mill, name: str, clean: str = CLEAN, count: str = COUNT, timeout: int = 60) -> Path:
    file = mill.data / "pipelines" / name / "pipeline.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PIPELINE.format(name=name, clean=clean, count=count, timeout=timeout))
    return file


def fail(mill: Mill, name: str) -> str:
    run = mill.drop(name, "x.txt", LINES)
    assert mill.finish(run)["status"] == "FAILED"
    return run


def receipts(mill: Mill, run: str, stage: str, branch: str) -> list[Any]:
    return [mill.read_json(key) for key in mill.keys(mill.place(run, stage, branch).receipts)]


def test_a_stage_that_was_changed_is_redone_whole_and_the_one_before_it_is_kept(mill: Mill, cli: Cli):
    define(mill, "mended", count="exit 3")
    run = fail(mill, "mended")
    before, place = receipts(mill, run, "first", "clean"), mill.place(run, "second", "count")
    assert cli("resume", run, "--with-changes").err.endswith(
        f"mended, as runs take it, is as it was when run {run} was frozen: there is no change. "
        f"Name the folder that you changed: --with FOLDER. Or go on as it was, with: gristmill resume {run}\n"
    )
    define(mill, "mended")
    told = (
        f"mended was changed (pipeline.yaml) since run {run} was frozen.\n"
        f"As it was: gristmill resume {run}. With the changes: gristmill resume {run} --with-changes\n"
        f"With the changes: clean kept 3/3 · count 0 of 2: script changed\n"
    )
    assert told in cli("plan", run).out
    planned = cli("plan", run, "--with-changes", "--json").json
    assert [(branch["reused"], branch["todo"]) for branch in planned["branches"]] == [(3, 0), (0, 2)]
    assert [(branch["branch"], branch["kept"]) for branch in planned["changes"]["branches"]] == [
        ("clean", 3),
        ("count", 0),
    ]
    assert cli("resume", run, "--with-changes").code == ExitCode.OK
    assert Path(f"results/{run}/count.txt").read_text() == "3\n3\n"
    record = mill.store.read_json(keys.run_record(run))
    assert (record["generation"], record["fence"]) == (1, 2)
    former = mill.read_json(keys.generation(run, 0))
    assert (former["generation"], former["pipeline"]["stages"][1]["branches"][0]["script"]) == (0, "exit 3")
    assert receipts(mill, run, "first", "clean") == before
    assert mill.place(run, "second", "count") != place
    assert mill.keys(place.receipts) == []
    assert "Generation  1, its pipeline was changed" in cli("status", run).out
    again = cli("resume", run, "--with-changes")
    assert (again.code, "nothing is missing" in again.err) == (ExitCode.REFUSED, True)


def test_a_typo_in_the_code_is_mended_and_what_is_done_without_that_code_is_kept(mill: Mill, cli: Cli):
    file = define(mill, "typo")
    file.write_text(file.read_text().replace(f"script: '{COUNT}'", "run: 'jobs:count'"))
    jobs = file.with_name("jobs.py")
    jobs.write_text("def count(source, sink, parameters):\n    sink.write(b'%d\\n' % len(lst(source)))\n")
    run = fail(mill, "typo")
    before, code = receipts(mill, run, "first", "clean"), mill.store.read_json(keys.run_record(run))["code"]
    jobs.write_text(jobs.read_text().replace("lst", "list"))
    told = cli("plan", run).out
    assert f"typo was changed (jobs.py) since run {run} was frozen.\n" in told
    assert cli("plan").out == told  # of the newest run, as resume does
    assert re.search("clean kept 3/3 · count 0 of 2: code [0-9a-f]{4}…→[0-9a-f]{4}…\n", told)
    as_it_was = cli("resume", run)
    assert as_it_was.code == ExitCode.FAILED
    assert f"typo was changed (jobs.py) since run {run} was frozen." in as_it_was.err
    assert "name 'lst' is not defined" in as_it_was.out
    assert cli("resume", run, "--with-changes").code == ExitCode.OK
    assert Path(f"results/{run}/count.txt").read_text() == "3\n3\n"
    assert receipts(mill, run, "first", "clean") == before
    changed = mill.store.read_json(keys.run_record(run))["code"]
    assert changed["digest"] != code["digest"]
    assert changed["object"]["key"] == keys.changed_code(run, changed["digest"])
    assert mill.read_json(keys.generation(run, 0))["code"] == code


def test_a_change_of_how_a_branch_is_run_keeps_every_finished_task(mill: Mill, cli: Cli):
    define(mill, "hurried", clean=SLOW, timeout=1)
    run = fail(mill, "hurried")
    before = receipts(mill, run, "first", "clean")
    define(mill, "hurried", clean=SLOW, timeout=60)
    assert "With the changes: clean kept 2/3 · count not begun\n" in cli("plan", run, "--with-changes").out
    assert cli("resume", run, "--with-changes").code == ExitCode.OK
    after = receipts(mill, run, "first", "clean")
    assert all(receipt in after for receipt in before)
    assert [receipt["attempt"] // 10 for receipt in after] == [0, 1, 0]
    assert Path(f"results/{run}/count.txt").read_text() == "3\n3\n"


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        ("version: 1\n", "stages: is missing"),
        (None, "there is no pipeline 'broken'"),
        (
            PIPELINE.format(name="broken", clean=CLEAN, count=COUNT, timeout=0),
            "timeout: must be an integer, 1 to 604,800, not 0",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_started(
    mill: Mill, cli: Cli, definition: str | None, fault: str
):
    file = define(mill, "broken", count="exit 3")
    run = fail(mill, "broken")
    file.write_text(definition) if definition else file.unlink()
    answer = cli("resume", run, "--with-changes")
    assert answer.code == ExitCode.REFUSED
    assert fault in answer.err
    mend = "Mend that, or give its folder: --with FOLDER; or go on as it was, with: gristmill resume"
    assert answer.err.endswith(f"{mend} {run}\n")
    assert mill.store.read_json(keys.run_record(run))["fence"] == 1
    assert "was changed" not in cli("plan", run).out  # as it was, it can go on


def test_two_runs_are_compared(mill: Mill, cli: Cli):
    runs = [mill.drop("strings", "x.txt", b"a\nbc\n" * count, lines_per_task=str(count)) for count in (2, 3)]
    for run in runs:
        assert mill.finish(run)["status"] == "SUCCEEDED"
    compared = {fact["what"]: fact for fact in cli("compare", *runs, "--json").json["facts"]}
    assert (compared["status"]["values"], compared["status"]["differs"]) == (["SUCCEEDED", "SUCCEEDED"], False)
    assert (compared["parameter lines_per_task"]["values"], compared["parameter lines_per_task"]["differs"]) == (
        ["2", "3"],
        True,
    )
    assert compared["repeat records"]["values"] == ["4 in, 4 out", "6 in, 6 out"]
    assert compared["code"]["differs"] is False
    lines = cli("compare", *runs).out.splitlines()
    assert lines[0].split() == [*runs, "DIFFERS"]
    row = next(line for line in lines if line.startswith("parameter"))
    assert row.split() == ["parameter", "lines_per_task", "2", "3", "≠"]


COMPARED = """
version: 1
name: compared
description: All that a run reads.
inputs:
  words: {records: whole}
  model: {default: references/compared.bin}
parameters:
  ks: {type: list, of: integer, description: d, default: [1, 2]}
  rows: {type: integer, description: d, default: 1000000}
  deep: {type: boolean, description: d, default: false}
stages:
  - name: judge
    split: {records: whole}
    branches:
      - name: figures
        with: [model]
        script: 'echo "{\\"rows\\": $PARAM_ROWS}" > "$OUTPUT"'
        suffix: .json
        same_record_count: false
checks:
  - {of: figures, figure: rows, minimum: 1, message: m}
"""


def test_all_that_two_runs_read_is_compared_and_same_code_is_the_same_wherever_it_came_from(mill: Mill, cli: Cli):
    file = mill.data / "pipelines" / "compared" / "pipeline.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(COMPARED)

    def run(model: bytes, words: bytes, **metadata: str) -> str:
        mill.client("s3").put_object(Bucket=mill.bucket, Key="references/compared.bin", Body=model)
        run = mill.drop("compared", "x.txt", words, **metadata)
        assert mill.finish(run)["status"] == "SUCCEEDED"
        return run

    first = run(b"one model", b"a\n", ks="3,4")
    assert cli("pipelines", "push", str(file.parent)).code == ExitCode.OK
    second = run(b"two model", b"b\n", ks="3", rows="1000001", **{"gristmill-tags": "site=north"})
    facts = {fact["what"]: fact for fact in cli("compare", first, second, "--json").json["facts"]}
    assert {what for what, fact in facts.items() if fact["differs"]} - {"took", "cost"} == {
        "code is from",
        "file holds",
        "input model holds",
        "parameter ks",
        "parameter rows",
        "tag site",
        "figures rows",
    }
    assert facts["code is from"]["values"] == ["not pushed", "version 1"]
    assert facts["parameter ks"]["values"] == ["3,4", "3"]
    assert facts["figures rows"]["values"] == ["1000000 (PASSED)", "1000001 (PASSED)"]
    assert facts["input model"]["values"] == ["references/compared.bin"] * 2
    assert all(value.startswith("9 bytes, ETag ") for value in facts["input model holds"]["values"])
    assert "Parameters  ks=3,4 rows=1000000 deep=false\n" in cli("status", first).out
    mail = mill.mail(second, "SUCCEEDED").get_content()
    assert (
        "Inputs    model=references/compared.bin\nWith      ks=3 rows=1000001 deep=false\nTags      site=north\n"
        in mail
    )


def test_a_folder_is_taken_for_one_run_alone(mill: Mill, cli: Cli, tmp_path: Path):
    for name in ("carried", "other"):
        (tmp_path / name).mkdir()
        text = PIPELINE.format(name=name, clean=CLEAN, count="exit 3", timeout=60)
        (tmp_path / name / "pipeline.yaml").write_text(text)
    (tmp_path / "x.txt").write_bytes(LINES)
    run = cli("run", "./carried", "x.txt", "--json").json["run"]
    before = receipts(mill, run, "first", "clean")
    other = cli("resume", run, "--with-changes", "--with", "./other")
    assert (other.code, "is the pipeline other" in other.err) == (ExitCode.REFUSED, True)
    file = tmp_path / "carried" / "pipeline.yaml"
    file.write_text(file.read_text().replace("exit 3", COUNT))
    planned = cli("plan", run, "--with-changes", "--with", "./carried")
    assert "With the changes: clean kept 3/3 · count 0 of 2: script changed\n" in planned.out
    assert " was frozen. It is at version 1, and would go on at the folder as it is.\n" in planned.out
    assert "is the pipeline other" in cli("plan", run, "--with-changes", "--with", "./other").err
    assert len(mill.keys("pipelines/carried/log/")) == 1
    done = cli("resume", run, "--with-changes", "--with", "./carried")
    assert done.code == ExitCode.OK
    assert "clean kept 3/3 · count 0 of 2: script changed" in done.err
    assert receipts(mill, run, "first", "clean") == before
    assert mill.store.read_json(keys.run_record(run))["code"]["version"] == 2
    assert Path(f"results/{run}/count.txt").read_text() == "3\n3\n"
    assert mill.keys("pipelines/carried/current.json") == []


GIVEN = """
version: 1
name: defaulted
description: Lines beside a file that is given by default.
inputs:
  rows: {{records: lines}}
  words: {{default: references/{words}.txt}}
stages:
  - name: only
    split: {{records: lines, records_per_task: 3}}
    branches:
      - name: made
        with: [words]
        script: 'cat "$INPUT_WORDS" > "$OUTPUT"{more}'
        attempts: 1
        same_record_count: false
"""


def test_a_default_that_names_another_file_by_now_is_refused_not_passed_over(mill: Mill, cli: Cli):
    file = mill.data / "pipelines" / "defaulted" / "pipeline.yaml"
    file.parent.mkdir(parents=True)
    for words in ("first", "second"):
        mill.client("s3").put_object(Bucket=mill.bucket, Key=f"references/{words}.txt", Body=f"{words}\n".encode())
    file.write_text(GIVEN.format(words="first", more="; exit 3"))
    run = fail(mill, "defaulted")
    file.write_text(GIVEN.format(words="second", more=""))
    refused = cli("resume", run, "--with-changes")
    why = "words is references/second.txt by default now, and the run began with references/first.txt"
    assert (refused.code, why in refused.err) == (ExitCode.REFUSED, True)
    file.write_text(GIVEN.format(words="first", more=""))
    assert cli("resume", run, "--with-changes").code == ExitCode.OK
    assert Path(f"results/{run}/made.txt").read_text() == "first\nfirst\n"


FILES = """
version: 1
name: filed-anew
description: A file of each task, and the lines counted.
stages:
  - name: first
    split: {{records: lines, records_per_task: {size}}}
    branches:
      - {{name: each, script: '{clean}', output: files, attempts: 1}}
  - name: second
    split: {{records: whole}}
    branches:
      - {{name: count, script: '{count}', attempts: 1}}
"""


def test_files_of_tasks_that_a_former_generation_had_are_no_results(mill: Mill, cli: Cli):
    file = mill.data / "pipelines" / "filed-anew" / "pipeline.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(FILES.format(size=2, clean=CLEAN, count="exit 3"))
    run = fail(mill, "filed-anew")
    assert len(mill.results("filed-anew", "x.txt", run)) == 4  # three files, and their list
    file.write_text(FILES.format(size=4, clean=CLEAN, count=COUNT))
    assert cli("resume", run, "--with-changes").code == ExitCode.OK
    wanted = ["count.txt", "each/000000000000.txt", "each/000000000001.txt", "each/files.csv"]
    shown = cli("results", run, "--json").json["results"]
    assert [result["key"].partition(f"{run}/")[2] for result in shown] == wanted
    assert "000000000002.txt" not in mill.mail(run, "SUCCEEDED").get_content()
    report = mill.read_json(keys.report("filed-anew", "x.txt", run, "json"))
    assert "000000000002.txt" not in str(report)
