"""What users drop by mistake, and what only looks like a mistake: nothing wrong ever looks right.

All files are dropped first and run side by side; each test then looks at its own.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from gristmill import keys
from gristmill.limits import S3_KEY_MAX_BYTES
from tests.integration.mill import Mill


@dataclass(frozen=True)
class Wrong:
    """A drop that must be refused, and what the mail must say of it."""

    key: str
    body: bytes
    metadata: dict[str, str]
    reasons: tuple[str, ...]


LONG = "n" * (S3_KEY_MAX_BYTES - len(keys.input_key("strings", "")))
REFUSED = {
    "empty": Wrong("inputs/strings/empty.txt", b"", {}, ("the file is empty; drop one with content",)),
    "unknown pipeline": Wrong(
        "inputs/strngs/x.txt", b"x\n", {}, ("there is no pipeline 'strngs'", "; did you mean strings?")
    ),
    "no pipeline": Wrong("inputs/x.txt", b"x\n", {}, ("there is no pipeline 'x.txt'; there are: ",)),
    "suffix and size": Wrong(
        "inputs/words/x.pdf",
        b"x" * 64_001,
        {},
        ("must end in one of: .txt, .md", "the file has 64,001 bytes; the pipeline takes at most 64,000"),
    ),
    "parameters": Wrong(
        "inputs/strings/params.txt",
        b"x\n",
        {"lines-per-task": "0", "bytes-per-task": "a lot", "lins-per-task": "7"},
        (
            "parameter lins_per_task: strings has no such parameter",
            "did you mean lines_per_task?",
            "parameter lines_per_task: 0 is below the minimum 1",
            "parameter bytes_per_task: 'a lot' is not a whole number such as 500",
            "parameters lines_per_task and bytes_per_task: give one or the other, not both",
        ),
    ),
    "above the maximum": Wrong(
        "inputs/strings/above.txt",
        b"x\n",
        {"lines-per-task": "1000000001"},
        ("parameter lines_per_task: 1000000001 is above the maximum 1e+09",),
    ),
    "a list": Wrong(
        "inputs/filed/list.txt",
        b"plain text\n's3://mill/results/x'\ns3://elsewhere/results/x\nplain text \n",
        {},
        (
            "line 2: 's3://mill/results/x' is not of the form s3://BUCKET/KEY; write it so, without quotes",
            "line 3: s3://elsewhere/results/x is in another bucket",
            "line 4: plain text stands on line 1 already; list each item once",
        ),
    ),
    "name too long": Wrong(f"inputs/strings/{LONG}", b"x\n", {}, ("the file's name is too long by ", "shorten it")),
}
NO_DROPS = (
    "inputs/",
    "inputs/strings/",
    "inputs/strings/folder/",
    "inputs/strings/big.txt.part",
    "inputs/strings/BIG.TXT.PART",
    "inputs/strings/big.crdownload",
    "inputs/strings/.hidden",
    "inputs/strings/notes.txt~",
)

# name -> (text, parameters); all of them are right, however odd
ODD = {
    "one line.txt": (b"a single line, and no end", {}),
    "zeros.txt": (b"a\0b\n\0\0\nend\0\n", {"lines_per_task": "1"}),
    "empties.txt": (b"\n" * 100_000, {"lines_per_task": "50000"}),
    "a+b %20 é ü & =?.txt": (b"a\n\nb\n", {"bytes_per_task": "1"}),
    "deep/" + "é" * 440 + ".txt": (b"long name\n", {}),
}
INVALID = b"fine\n" * 1000 + b"caf\xe9\n" + b"fine\n" * 1000


@pytest.fixture(scope="module")
def runs(mill: Mill) -> dict[str, str]:
    """Drop everything; return the runs by name."""
    started = {"invalid": mill.drop("strings", "invalid.txt", INVALID, lines_per_task="500")}
    started |= {name: mill.drop("strings", name, text, **given) for name, (text, given) in ODD.items()}
    started |= {name: mill.put(item.key, item.body, item.metadata) for name, item in REFUSED.items()}
    for key in NO_DROPS:
        mill.put(key, b"" if key.endswith("/") else b"half a fi", {})
    return started


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_drop_is_refused_with_all_faults_in_one_mail(mill: Mill, runs: dict[str, str], name: str):
    outcome = mill.finish(runs[name])
    assert outcome["status"] == "FAILED"
    letter = mill.mail(runs[name], "FAILED").get_content()
    for words in REFUSED[name].reasons:
        assert words in letter
    assert "The file was refused: nothing was run." in letter
    assert "drop the file again" in letter
    assert mill.jobs(runs[name]) == []


@pytest.mark.parametrize("key", NO_DROPS)
def test_a_marker_or_a_half_uploaded_file_is_no_drop(mill: Mill, runs: dict[str, str], key: str):
    (execution,) = mill.executions(key)
    assert mill.end(execution["executionArn"])["status"] == "SUCCEEDED"
    assert json.loads(execution["input"])["detail"]["object"]["key"] == key
    assert not mill.mails(f"File      {key.removeprefix('inputs/')} (")


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_gives_a_right_result(mill: Mill, runs: dict[str, str], name: str):
    assert mill.finish(runs[name])["status"] == "SUCCEEDED"
    results = keys.results_prefix("strings", name, runs[name])
    lines = ODD[name][0].split(b"\n")
    assert mill.read(results + "repeat.txt") == b"\n".join(line * 2 for line in lines)
    assert mill.read(results + "reverse.txt") == b"\n".join(line[::-1] for line in lines)
    mill.mail(runs[name], "SUCCEEDED")


def test_invalid_utf8_fails_where_text_is_needed_and_says_where(mill: Mill, runs: dict[str, str]):
    run = runs["invalid"]
    assert mill.finish(run)["status"] == "FAILED"
    letter = mill.mail(run, "FAILED").get_content()
    assert "task 2 (bytes 5,000 to 7,499 of its stage's input), attempt 1, refused: " in letter
    assert "not UTF-8 at byte 3 of this task's input, in its line 1" in letter
    assert "1 of 5 tasks have no output" in letter
    assert mill.results("strings", "invalid.txt", run) == ["repeat.txt"]  # which needs no text, and is whole
    made = mill.read(keys.result("strings", "invalid.txt", run, "repeat.txt"))
    assert made == b"\n".join(line * 2 for line in INVALID.split(b"\n"))


def test_an_interrupted_upload_starts_nothing_and_a_complete_one_does(mill: Mill):
    s3 = mill.client("s3")
    uploads: dict[str, dict[str, Any]] = {}
    for name in ("aborted.txt", "left.txt", "whole.txt"):
        place = {"Bucket": mill.bucket, "Key": keys.input_key("strings", name)}
        place["UploadId"] = s3.create_multipart_upload(**place)["UploadId"]
        etag = s3.upload_part(**place, PartNumber=1, Body=b"the only part\n")["ETag"]
        uploads[name] = {"place": place, "etag": etag}
    s3.abort_multipart_upload(**uploads["aborted.txt"]["place"])
    whole = uploads["whole.txt"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": whole["etag"]}]}
    done = s3.complete_multipart_upload(**whole["place"], MultipartUpload=parts)
    run = mill.run_of(whole["place"]["Key"], done)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    for name in ("aborted.txt", "left.txt"):
        assert mill.executions(keys.input_key("strings", name), at_least=0) == []
