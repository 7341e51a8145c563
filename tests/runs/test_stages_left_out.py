"""Stages that are left out, through the deployed template: by parameters, and because a list is empty."""

import json
from pathlib import Path
from typing import Any

from gristmill import keys
from gristmill.report.model import Report
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]

SLOW = "params.mode is fast, not slow"
AFTER = "weighed, which it reads, was left out"
EMPTY = "odd, which it reads, lists nothing"


def stages_of(mill: Mill, run: str) -> list[str]:
    names = [keys.parse_job_name(job["jobName"]) for job in mill.jobs(run)]
    return sorted({named.head for named in names if named})


def test_what_is_left_out_is_named_by_plan_status_mail_and_report(mill: Mill, cli: Cli, tmp_path: Path) -> None:
    empty = mill.drop("ways", "even.txt", b"A\nB\n")
    other = mill.drop("ways", "odd.txt", b"A?\nB\n", clean="false", mode="slow")
    file = tmp_path / "even.txt"
    file.write_bytes(b"A\nB\n")
    planned = cli("plan", "ways", str(file)).out
    assert f"Left out: stage weighing: {SLOW}." in planned

    assert mill.finish(empty)["status"] == mill.finish(other)["status"] == "SUCCEEDED"
    wanted = {"weighing": SLOW, "reporting": AFTER, "mending": EMPTY}
    assert not [head for head in stages_of(mill, empty) if "weigh" in head or "report" in head or "mend" in head]
    mail = mill.mail(empty, "SUCCEEDED").get_content()
    shown = cli("status", empty).out
    for stage, reason in wanted.items():
        assert f"  {stage}: {reason}\n" in mail
        assert f"stage {stage}: {reason}" in shown
    assert cli("status", empty, "--json").json["skipped"] == wanted
    assert f"Left out: stage weighing: {SLOW}." in cli("plan", empty).out
    report = Report.model_validate_json(mill.read(keys.report("ways", "even.txt", empty, "json")))
    assert {stage.name: stage.skipped for stage in report.stages if stage.skipped} == wanted
    assert f"left out: {EMPTY}" in mill.read(keys.report("ways", "even.txt", empty, "html")).decode()

    record: dict[str, Any] = json.loads(mill.read(keys.run_record(other)))
    assert record["skipped"] == {"washing": "params.clean is false"}
    assert mill.read(keys.result("ways", "odd.txt", other, "mended.txt")) == b"mended A?\n"
    assert mill.read(keys.result("ways", "odd.txt", other, "told.json")) == b'{"weight": 1}\n'
