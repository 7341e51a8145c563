"""A result that is damaged while a later stage runs, on the deployed template: not SUCCEEDED, and a resume mends it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.client.runs.control import resume
from gristmill.client.runs.find import find_run
from gristmill.client.stack import Stack, open_stack
from tests.integration.mill import Mill

TEXT = b"0\n1\n2\n"


@pytest.fixture(scope="module")
def client(mill: Mill) -> Stack:
    return open_stack(mill.target, "gristmill")


def flip(mill: Mill, key: str) -> None:
    mill.client("s3").put_object(Bucket=mill.bucket, Key=key, Body=b"1" + mill.read(key)[1:])


def remove(mill: Mill, key: str) -> None:
    mill.client("s3").delete_object(Bucket=mill.bucket, Key=key)


@pytest.mark.parametrize(("damage", "name"), [(flip, "copied"), (remove, "filed/000000000001")])
def test_a_result_that_is_damaged_during_a_later_stage_fails_the_run_and_a_resume_merges_it_again(
    mill: Mill, client: Stack, tmp_path: Path, damage: Callable[[Mill, str], None], name: str
):
    gate = tmp_path / "gate"
    run = mill.drop("kept", f"{name.partition('/')[0]}.x", TEXT, gate=str(gate))
    mill._until(gate.with_suffix(".waits").exists, 60, "the second stage does not begin")
    prefix = keys.results_prefix("kept", f"{name.partition('/')[0]}.x", run)
    key = next(key for key in mill.keys(prefix + name))
    damage(mill, key)
    mill.client("s3").put_object(Bucket=mill.bucket, Key=mill.cut(run, "second").chunks, Body=b"cut sho")
    gate.touch()
    outcome = mill.finish(run)
    assert outcome["status"] == "FAILED"
    assert "1 of its results are gone, or have other bytes than were merged" in outcome["reason"]
    assert f"merge them again with: gristmill resume {run}" in mill.mail(run, "FAILED").get_content()
    assert mill.end(resume(client, find_run(client, run)).arn)["status"] == "SUCCEEDED"
    made = {key.removeprefix(prefix).partition(".")[0]: mill.read(key) for key in mill.keys(prefix)}
    assert (made["copied"], made["filed/000000000001"]) == (TEXT, b"1\n")
    assert made["doubled"] == made["last"] == b"00\n11\n22\n"
