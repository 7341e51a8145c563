"""What of a user's environment reaches the embedded AWS's own processes, and AWS tools of that user's shell."""

import ast
import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from embedded_aws.machine import search_path
from embedded_aws.machine.surroundings import KeyPair, astray, leading_to, unproxied
from embedded_aws.settings.settings import Settings
from gristmill.cli.terminal.show import rich
from gristmill.cli.terminal.tables import table
from gristmill.client.embedded import GRISTMILL
from gristmill.client.user import user_name, utf8
from gristmill.errors import Refused
from gristmill.pipeline.loading import read
from gristmill.project import SEARCH_PATH
from tests.project import PROJECT

PROXY = "http://127.0.0.1:9"
HOSTILE = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL_S3": PROXY,
    "AWS_SESSION_TOKEN": "odd",
    "HTTP_PROXY": PROXY,
    "https_proxy": PROXY,
    "LC_ALL": "tr_TR.ISO-8859-9",
    "LANG": "C",
    "TZ": "Asia/Kathmandu",
    "PYTHONPATH": "/nowhere",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "LD_PRELOAD": "",
    "GRISTMILL_STACK": "another",
}


def test_jobs_and_functions_inherit_what_is_listed_and_no_more(monkeypatch, tmp_path: Path):
    for name in os.environ:
        monkeypatch.delenv(name)
    settings = Settings(tmp_path)
    plain = settings.job_environment()
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    assert settings.job_environment() == plain
    assert (plain["LANG"], plain["PYTHONUTF8"], plain["TZ"], plain["PATH"]) == ("C.UTF-8", "1", "UTC", os.defpath)
    monkeypatch.setenv("PATH", "/mine")
    assert settings.process_environment()["PATH"] == "/mine"


def test_a_shell_is_led_here_by_variables_alone():
    wanted = leading_to("http://localhost:1", "us-east-1", KeyPair("id", "secret"))
    theirs = {
        "AWS_PROFILE": "p",
        "AWS_ENDPOINT_URL_S3": "x",
        "BOTO_CONFIG": "x",
        "AWS_PAGER": "less",
        "AWS_REGION": "r",
    }
    assert astray({**theirs, "HOME": "/"}, wanted) == ["AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "BOTO_CONFIG"]
    assert wanted["AWS_CONFIG_FILE"] == wanted["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_no_proxy_is_asked_for_this_machine_and_those_exempt_already_stay():
    exempt = unproxied(["10.0.0.1"], {"NO_PROXY": "a.org, localhost", "no_proxy": "b.org"})
    assert exempt == dict.fromkeys(("NO_PROXY", "no_proxy"), "a.org,localhost,b.org,127.0.0.1,::1,10.0.0.1")


def test_the_search_path_grows_at_its_head_and_begins_anew_with_the_server(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert search_path.noted(tmp_path) == []
    search_path.begin(tmp_path, ["/a"])
    search_path.add(tmp_path, search_path.folders({SEARCH_PATH: os.pathsep.join(["here", "", "/a"])}, SEARCH_PATH))
    assert search_path.noted(tmp_path) == [str(tmp_path / "here"), "/a"]
    search_path.add(tmp_path, [])
    assert search_path.noted(tmp_path) == [str(tmp_path / "here"), "/a"]
    environment = Settings(tmp_path, application=GRISTMILL).process_environment()
    assert environment[SEARCH_PATH] == f"{tmp_path / 'here'}{os.pathsep}/a"
    search_path.begin(tmp_path, ["/b\udcff"])
    assert search_path.noted(tmp_path) == ["/b\udcff"]


@pytest.mark.parametrize("environment", [{}, {SEARCH_PATH: ""}, {SEARCH_PATH: os.pathsep}])
def test_no_search_path_is_none(environment: dict[str, str]):
    assert search_path.folders(environment, SEARCH_PATH) == []


@pytest.mark.parametrize("missing", [KeyError("getpwuid(): uid not found: 54321"), OSError("No username set")])
def test_a_user_without_a_name_is_a_number(missing: Exception, monkeypatch):
    def fail() -> str:
        raise missing

    monkeypatch.setattr("getpass.getuser", fail)
    assert user_name() == f"uid-{os.getuid()}"
    monkeypatch.setattr("getpass.getuser", lambda: "Jürgen\n")
    assert user_name() == "Jurgen?"


def test_a_name_is_read_as_its_bytes_are_meant():
    assert utf8("mühle") == "mühle"
    assert utf8(os.fsdecode("挽".encode())) == "挽"
    with pytest.raises(Refused, match=r"b'\\xff.txt' is not UTF-8"):
        utf8(os.fsdecode(b"\xff.txt"))


@pytest.mark.parametrize("columns", [1, 20, 40, 80, 200])
def test_an_id_is_whole_on_a_terminal_of_any_width(columns: int, monkeypatch, capsys):
    monkeypatch.setattr("gristmill.cli.terminal.show.console", lambda: Console(width=columns, file=io.StringIO()))
    run, job = "0123456789abcdef", "0af185fd-5ff1-4a69-9e5d-7d831eb0158b:17"
    rich(table(("RUN", "JOB", "WHY"), [(run, job, "Essential container in task exited " * 3)]))
    out = capsys.readouterr().out
    assert run in out
    assert job in out
    assert out.split().count("exited") == 3


def test_no_file_of_text_is_read_or_written_in_the_users_own_encoding():
    """By its AST: `Path.read_text` and `write_text` without an encoding take that of the locale."""
    for top in ("gristmill", "process_tree", "batch_jobs", "functions"):
        for file in sorted((PROJECT / top).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("read_text", "write_text"):
                    assert "encoding" in [keyword.arg for keyword in node.keywords], f"{file}:{node.lineno}"


def test_a_pipeline_that_is_not_utf_8_is_refused_by_name(tmp_path: Path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "pipeline.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(Refused, match=r"pipeline\.yaml: not UTF-8 \(byte 6\)"):
        read(tmp_path / "odd" / "pipeline.yaml")
