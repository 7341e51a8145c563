"""Runs of several inputs on the deployed template, as users start them: files, references, pairs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from gristmill.cli.main import call
from gristmill.client.drop.upload import upload_key
from gristmill.errors import ExitCode
from tests.integration.mill import Mill

GENOME = b">chr1\nACGTACGT\n"
PAIRS = 60


def fastq(mate: int, names: list[int] | None = None) -> bytes:
    numbers = range(PAIRS) if names is None else names
    return "".join(f"@r{number} {mate}:N:0:A\nAC\n+\nII\n" for number in numbers).encode()


@pytest.fixture
def cli(mill: Mill, monkeypatch, tmp_path, capsys) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    Path("R1.fq").write_bytes(fastq(1))
    Path("R2.fq").write_bytes(fastq(2))
    Path("g.fa").write_bytes(GENOME)

    def called(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = call(words)
        printed = capsys.readouterr()
        return code, printed.out, " ".join(printed.err.split())

    return called


def started(answer: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = answer
    assert code == ExitCode.OK, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_pair_beside_a_reference_from_the_command_line(mill: Mill, cli):
    code, out, _ = cli("references", "put", "g.fa", "--name", "a/genome.fa")
    assert (code, out.splitlines()[-1]) == (
        0,
        "references/a/genome.fa (15 bytes). Give it to a run with: --input NAME=references/a/genome.fa",
    )
    again = cli("references", "put", "g.fa", "--name", "a/genome.fa")[2]
    assert "references/a/genome.fa is there already: it is not sent again." in again
    given = ("mates", "R1.fq", "-i", "mates=R2.fq", "-i", "genome=references/a/genome.fa", "-p", "reads_per_task=7")
    assert cli("plan", *given)[0] == ExitCode.OK
    run = started(cli("run", *given, "--name", "sample", "--no-watch", "--json"))
    assert run["key"] == "inputs/mates/sample.drop.json"
    outcome = mill.finish(run["run"])
    assert outcome["status"] == "SUCCEEDED"
    lines = b"".join(b"@r%d 1:N:0:A AC\n" % number for number in range(PAIRS))
    made = keys.results_prefix("mates", "sample", run["run"])
    assert mill.read(f"{made}called.txt") == mill.read(f"{made}coded.txt") == lines
    assert mill.read(f"{made}summed.txt") == GENOME + lines
    shown = cli("status", run["run"])[1]
    assert "references/a/genome.fa" in shown and upload_key(Path("R2.fq")) in shown
    again = cli("run", *given, "--name", "sample", "--no-watch", "--json")
    assert again[2].count(" is there already: it is not sent again.") == 2 and started(again)["run"] != run["run"]
    assert mill.finish(started(again)["run"])["status"] == "SUCCEEDED"
    listed = json.loads(cli("references", "list", "--json")[1])
    assert {"key": "references/a/genome.fa", "size": len(GENOME)} in listed
    assert "references/a/genome.fa" in cli("references")[1]
    assert cli("references", "remove", "a/genome.fa")[1].splitlines()[-1] == "Removed references/a/genome.fa."
    code, _, err = cli("references", "remove", "a/genome.fa")
    assert code == ExitCode.NOT_FOUND and "there is no reference a/genome.fa" in err


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (["R1.fq", "-i", "genome=g.fa"], ExitCode.REFUSED, "mates was not given; add --input mates=FILE_OR_KEY"),
        (["R1.fq", "-i", "mates=gone.fq"], ExitCode.REFUSED, "mates: gone.fq is no file; an object of the bucket is"),
        (["R1.fq", "-i", "mates=R2.fq", "-i", "genome=s3://other/hg38.fa"], ExitCode.REFUSED,
         "genome: s3://other/hg38.fa is not in this bucket; a run reads this one alone"),
        (["R1.fq", "-i", "mates=R2.fq", "-i", "genome=references/no.fa"], ExitCode.REFUSED,
         "genome: references/no.fa does not exist; put it there with: gristmill references put no.fa"),
        (["R1.fq", "-i", "mates=R2.fq", "-i", "genome=R2.fq"], ExitCode.REFUSED,
         "genome's name must end in one of: .fa"),
        (["R1.fq", "-i", "mates"], ExitCode.USAGE, "is not of the form NAME=VALUE"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_travels(mill: Mill, cli, command, words, code, fault):
    before = len(mill.client("s3").list_objects_v2(Bucket=mill.bucket, Prefix="uploads/").get("Contents", []))
    answer = cli(command, "mates", *words)
    assert (answer[0], fault in answer[2]) == (code, True), answer[2]
    after = len(mill.client("s3").list_objects_v2(Bucket=mill.bucket, Prefix="uploads/").get("Contents", []))
    assert after == before


def test_the_note_comes_last_so_that_no_run_begins_without_its_second_file(mill: Mill, cli, monkeypatch):
    sent = []
    from gristmill.storage.resumable import PartUpload

    send = PartUpload.send

    def broken(self: PartUpload, slot: Any, hearer: Any) -> Any:
        sent.append(self._names["Key"])
        if len(sent) == 2:
            raise KeyboardInterrupt
        return send(self, slot, hearer)

    Path("R1.fq").write_bytes(fastq(1) + b"@x 1:N:0:A\nA\n+\nI\n")
    Path("R2.fq").write_bytes(fastq(2) + b"@x 2:N:0:A\nA\n+\nI\n")
    given = ("run", "mates", "R1.fq", "-i", "mates=R2.fq", "-i", "genome=g.fa", "--no-watch", "--json")
    with monkeypatch.context() as patched:
        patched.setattr(PartUpload, "send", broken)
        assert cli(*given)[0] == ExitCode.INTERRUPTED
    assert sent == [upload_key(Path("R1.fq")), upload_key(Path("R2.fq"))]
    listed = mill.client("s3").list_objects_v2(Bucket=mill.bucket, Prefix="inputs/mates/R1")
    assert "Contents" not in listed
    again = cli(*given)
    assert again[2].count(" is there already: it is not sent again.") == 1  # the first file is not sent again
    assert mill.finish(started(again)["run"])["status"] == "SUCCEEDED"


def test_a_reference_that_is_gone_ends_the_run_and_its_mail_says_which(mill: Mill, cli):
    """R2's records out of order are told with the record, and a version that was deleted with its key."""
    client, key = mill.client("s3"), "references/fleeting.fa"
    Path("R2.fq").write_bytes(fastq(2, [*range(40), 41, 40, *range(42, PAIRS)]))
    client.put_object(Bucket=mill.bucket, Key=key, Body=GENOME)
    given = ("mates", "R1.fq", "-i", "mates=R2.fq", "-i", f"genome={key}", "-p", "reads_per_task=30")
    run = started(cli("run", *given, "--no-watch", "--json"))["run"]
    assert mill.finish(run)["status"] == "FAILED"
    body = " ".join(mill.mail(run, "FAILED").get_content().split())
    assert "record 41: reads has r40, and mates has r41. Give two files of the same reads in the same order." in body
    version = mill.read_json(keys.run_record(run))["inputs"]["genome"]["version"]
    client.put_object(Bucket=mill.bucket, Key=key, Body=b">other\nT\n")
    client.delete_object(Bucket=mill.bucket, Key=key, VersionId=version)
    assert cli("resume", run, "--no-watch")[0] == ExitCode.OK
    mill._until(lambda: mill.read_json(keys.run_record(run))["fence"] == 2, 30, "no resume")
    assert mill.finish(run)["status"] == "FAILED"
    mails = [" ".join(mail.get_content().split()) for mail in mill.mails(run)]
    assert any(f"genome: the {key} that the run began with (version {version}) is gone" in mail for mail in mails)


def test_a_trial_reads_files_of_this_machine_alone(cli):
    code, out, _ = cli(
        "try", "mates", "R1.fq", "-i", "mates=R2.fq", "-i", "genome=g.fa", "-p", "reads_per_task=7", "--json"
    )
    assert code == ExitCode.OK
    branches = json.loads(out)["branches"]
    assert [(tried["branch"], tried["tasks"], tried["failed"]) for tried in branches] == [
        ("called", 3, 0),
        ("coded", 3, 0),
        ("summed", 1, 0),
    ]
    code, _, err = cli("try", "mates", "R1.fq", "-i", "mates=R2.fq")
    fault = "genome: a trial reads files of this machine alone; give one with --input genome=FILE"
    assert code == ExitCode.REFUSED and fault in err
