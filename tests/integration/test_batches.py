"""Batches on the deployed template: many runs, one mail."""

import json

from gristmill import keys
from gristmill.runs.repository import read_record
from gristmill.runs.request import drop_event
from tests.integration.batches import drop_batch, statuses
from tests.integration.mill import Mill


def test_a_batch_feeds_its_items_and_mails_once(mill: Mill):
    bodies = {name: f"{name} b\n".encode() for name in ("oak", "elm", "ash")}
    run = drop_batch(mill, "words", "trees", bodies, at_once=2, params={"lines_per_task": "5"}, tags={"wood": "soft"})
    outcome = mill.finish(run)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]
    assert statuses(mill, run) == dict.fromkeys((1, 2, 3), "SUCCEEDED")
    mail = mill.mail(run, "SUCCEEDED:")
    assert "3 succeeded of 3" in mail["Subject"]
    assert len(mill.mails(run)) == 1
    again = drop_event(mill.bucket, keys.batch_note_key("words", "trees"), read_record(mill.store, run).input.version)
    states = mill.client("stepfunctions")
    machine = mill.outputs["StateMachineArn"]
    second = states.start_execution(stateMachineArn=machine, input=json.dumps(again))["executionArn"]
    assert json.loads(mill.end(second)["output"])["verdict"] == "DUPLICATE"
    assert len(mill.mails(run)) == 1
    (result,) = mill.keys(f"results/words/trees-{run}/00002-elm/")[:1]
    assert mill.read(result).startswith(b"2 ELM B")


def test_what_is_wrong_with_any_item_refuses_the_batch(mill: Mill):
    each = [{"lines_per_task": "0"}, {"size": "3"}]
    run = drop_batch(mill, "words", "wrong", {"one": b"a\n", "two": b""}, each)
    assert mill.finish(run)["status"] == "FAILED"
    text = " ".join(mill.mail(run, "FAILED").get_content().split())
    assert "line 1 (one): parameter lines_per_task" in text
    assert "line 2 (two): parameter size" in text and "line 2 (two): the file is empty" in text
    assert not mill.keys(keys.fed(run))
