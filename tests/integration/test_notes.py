"""Drop notes on the deployed template: the files lie elsewhere and start nothing, the note starts the run."""

import json

from gristmill import keys
from tests.integration.mill import OWNER, Mill


def test_a_note_starts_the_run_of_files_that_start_nothing(mill: Mill):
    file = "uploads/0123/two words.txt"
    would_be = mill.put(file, b"a b\nc\n", {})
    note = {"contract": 1, "input": file, "params": {"lines_per_task": "1"}, "owner": OWNER}
    run = mill.put(keys.note_key("words", "dir/noted"), json.dumps(note).encode(), {})
    outcome = mill.finish(run)
    assert outcome["status"] == "SUCCEEDED"
    assert outcome["results"] == [f"results/words/dir/noted/{run}/counted.txt"]
    body = mill.mail(run, "SUCCEEDED").get_content()
    assert "words/dir/noted" in body
    begun = mill.client("s3").list_objects_v2(Bucket=mill.bucket, Prefix=keys.run_prefix(would_be))
    assert begun["KeyCount"] == 0


def test_a_note_of_what_no_run_may_read_is_refused_by_mail(mill: Mill):
    note = {"contract": 1, "input": "runs/0123456789abcdef/run.json", "owner": OWNER}
    run = mill.put(keys.note_key("words", "sly"), json.dumps(note).encode(), {})
    assert mill.finish(run)["status"] == "FAILED"
    assert "is not where runs find their files" in " ".join(mill.mail(run, "FAILED").get_content().split())
