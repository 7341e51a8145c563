"""The strings pipeline through the deployed template, held against coreutils."""

import subprocess

import pytest

from gristmill import keys
from tests.integration.mill import Mill

TRICKY = "grist\n\nmäh 🌾 mühle\r\n\r\nx\n  spaces \ttab\n挽き臼\r\nno end".encode()

# rev and paste know no CRLF: the carriage returns are taken off before and put back behind.
REVERSE = r"paste -d '' <(sed -E 's/\r$//' in | rev) <(sed -E 's/.*[^\r](\r?)$/\1/; s/^[^\r]$//' in)"
REPEAT = r"paste -d '' <(sed -E 's/\r$//' in) <(cat in)"


def coreutils(command: str, text: bytes, folder: object) -> bytes:
    (folder / "in").write_bytes(text)  # type: ignore[operator]
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        check=True,
        capture_output=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    return done.stdout if text.endswith(b"\n") else done.stdout.removesuffix(b"\n")


@pytest.mark.parametrize(
    "size",
    [
        {"lines_per_task": "1"},
        {"lines_per_task": "3"},
        {"bytes_per_task": "7"},
        {"bytes_per_task": "1000"},
        {},
    ],
)
def test_results_equal_those_of_coreutils_for_any_chunk_size(mill: Mill, tmp_path, size):
    text = TRICKY * 1 + b"\n" + TRICKY
    run = mill.drop("strings", "dir/tricky ü+%.txt", text, **size)
    outcome = mill.finish(run)
    assert outcome["status"] == "SUCCEEDED"
    results = keys.results_prefix("strings", "dir/tricky ü+%.txt", run)
    assert mill.read(results + "repeat.txt") == coreutils(REPEAT, text, tmp_path)
    assert mill.read(results + "reverse.txt") == coreutils(REVERSE, text, tmp_path)


def test_the_owner_gets_one_mail_that_says_what_happened(mill: Mill):
    run = mill.drop("strings", "letter.txt", b"to whom it may concern\n" * 50, lines_per_task="7")
    mill.finish(run)
    mail = mill.mail(run, "SUCCEEDED")
    assert mail["Subject"].startswith("[gristmill] SUCCEEDED strings/letter.txt in ")
    body = mail.get_content()
    for word in (run, "50", keys.results_prefix("strings", "letter.txt", run) + "repeat.txt"):
        assert word in body


def test_a_second_stage_reads_what_the_first_one_made(mill: Mill):
    lines = [b"line %d of the mill" % i for i in range(1000)]
    run = mill.drop("words", "two.txt", b"\n".join(lines))
    assert mill.finish(run)["status"] == "SUCCEEDED"
    made = mill.read(keys.results_prefix("words", "two.txt", run) + "counted.txt")
    assert made == b"\n".join(b"5 " + line.upper() for line in lines)
    assert not [key for key in mill.keys(keys.results_prefix("words", "two.txt", run)) if "upper" in key]


def test_a_dropped_duplicate_event_starts_no_second_run(mill: Mill):
    run = mill.drop("strings", "twice.txt", b"once\n")
    mill.finish(run)
    arn = mill.execution(run)
    states = mill.client("stepfunctions")
    event = states.describe_execution(executionArn=arn)["input"]
    again = states.start_execution(stateMachineArn=mill.outputs["StateMachineArn"], input=event)["executionArn"]
    mill._until(lambda: states.describe_execution(executionArn=again)["status"] != "RUNNING", 20, "duplicate runs on")
    assert states.describe_execution(executionArn=again)["status"] == "SUCCEEDED"
    assert mill.execution(run) == arn
    assert len(mill.mails(run)) == 1
