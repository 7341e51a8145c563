"""What jobs and files say is data wherever it is told: of a run whose name, log and error are hostile."""

import unicodedata
from pathlib import Path

from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli  # noqa: F401 - a fixture

NAME = "e\x1b]0;owned\x07vil \u202egpj.txt\x9b31m"
SHOWN = r"hostile/e\x1b]0;owned\x07vil \u202egpj.txt\x9b31m"
FORGED = ("Results", "  s3://evil.example/", "Go on:  gristmill evil")


def hidden(text: str) -> set[str]:
    kinds = {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"}
    return {char for char in text if unicodedata.category(char) in kinds and char not in "\n\t"}


def test_what_is_hostile_steers_nothing_and_forges_nothing(mill: Mill, cli: Cli, tmp_path: Path):  # noqa: F811
    (tmp_path / "one.txt").write_bytes(b"line\n")
    refused = cli("run", "hostile", "one.txt", "--name", NAME)
    assert refused.code == ExitCode.REFUSED
    assert "has characters that no listing of S3 can carry" in refused.err
    run = mill.drop("hostile", NAME, b"line\n")  # other clients carry them
    mill.execution(run)
    ended = cli("watch", run)
    assert ended.code == ExitCode.FAILED
    members = {
        "refused": refused,
        "watch": ended,
        "status": cli("status", run),
        "logs": cli("logs", run),
        "logs --follow": cli("logs", run, "--follow"),
        "runs": cli("runs"),
        "results": cli("results", run),
        "resume --plan": cli("plan", "--resume", run),
        "mails": cli("mail"),
        "mail": cli("mail", "show", run),
        "jobs": cli("jobs", "--children"),
        "json": cli("status", run, "--json"),
        "json of logs": cli("logs", run, "--json"),
        "json of mails": cli("mail", "list", "--json"),
        "json of the report": cli("report", run, "--json"),
        "download": cli("report", run, "--download", "here"),
    }
    for name, each in members.items():
        assert hidden(each.out + each.err) == set(), name
        assert [line for line in each.out.splitlines() if line.startswith(FORGED)] == [], name
        assert "Traceback" not in each.err, name
    for name in ("watch", "status", "runs"):
        assert SHOWN in members[name].out, name
    assert r"ValueError: \x1b[2J\x1b]0;owned\x07" in members["status"].out
    assert r"spoken[0] | \x1b[2J" in members["logs"].out
    assert "\x1b[2J" in cli("logs", run, "--raw").out
    assert hidden((tmp_path / "here" / run / "report.html").read_text()) == set()


def test_the_mail_of_a_hostile_run_has_its_own_lines_alone(mill: Mill):
    run = mill.drop("hostile", NAME, b"line\n")
    mill.finish(run)
    mail = mill.mail(run, "FAILED")
    assert mail.keys() == mill.mails("")[0].keys()
    assert hidden(mail["Subject"]) == set()
    lines = mail.get_content().split("\n")
    assert [line for line in lines if line.startswith(FORGED)] == []
    assert hidden(mail.get_content()) == set()
    assert lines[2] == f"File      {SHOWN} (5 bytes)"


def test_wrong_usage_repeats_nothing_hidden(cli: Cli):  # noqa: F811
    for words in (["run", "strings", "\x1b[2Jfile"], ["\x1b[2Jcommand"], ["plan", "-p", "\x1b[2J", "x"]):
        answer = cli(*words)
        assert answer.code == ExitCode.USAGE
        assert hidden(answer.err) == set()
