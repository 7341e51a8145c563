"""Parameters go through the real drop: S3 as it is, then function, command and script, and a trial alike."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.cli.main import call
from gristmill.client.drop.drops import Upload, drop, faults
from gristmill.client.stack import Stack
from gristmill.errors import ExitCode
from gristmill.pipeline.loading import load
from gristmill.pipeline.parameters import resolve
from gristmill.storage.resumable import Hearer
from gristmill.storage.s3 import S3Storage
from tests.integration.mill import Mill

PIPELINES = Path(__file__).parents[1] / "pipelines"
HARD = " \t x\r\n'\"=$HOME é\U0001f33e \\ %41 =?UTF-8?Q?a?= \n"
WAYS = ("function.txt", "command.txt", "script.txt")
SILENT = Hearer(lambda _bytes: None, lambda _note: None)


@pytest.fixture(scope="module")
def apart(mill: Mill) -> S3Storage:
    """A bucket that starts nothing."""
    client = mill.client("s3")
    client.create_bucket(Bucket="parameters")
    return S3Storage("parameters", client)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_passes_through_the_real_drop(apart: S3Storage, tmp_path: Path, word: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"x")
    upload = Upload(file, "echo", "a.txt", {"word": word}, "miller")
    assert faults(upload) == []
    drop(cast("Stack", SimpleNamespace(store=apart)), upload, SILENT, tmp_path / "records")
    head = apart.head(upload.key)
    assert head is not None
    assert resolve(load("echo", [PIPELINES]), head.metadata) == ({"word": word}, [])


def test_a_hard_text_reaches_every_kind_of_job(mill: Mill, monkeypatch: Any, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(PIPELINES))
    Path("a.txt").write_bytes(b"x")
    given_words = ("echo", "a.txt", "-p", f"word={HARD}")

    def made(verb: Callable[[], int], pattern: str) -> list[bytes]:
        assert verb() == ExitCode.OK, capsys.readouterr()
        return [next(tmp_path.glob(f"{pattern}/{way}")).read_bytes() for way in WAYS]

    run = made(lambda: call(["run", *given_words]), "results/*")
    tried = made(lambda: call(["try", *given_words, "--results", "out"]), "out/*")
    assert run == tried == [HARD.encode()] * 3


def test_lists_and_variables_reach_every_kind_of_job(mill: Mill, monkeypatch: Any, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(PIPELINES))
    Path("a.txt").write_bytes(b"x")
    words = ["a, b", " c\t'\"$HOME é", "[d"]
    given = ("listed", "a.txt", "-p", f"words={json.dumps(words)}", "-p", "ks=3,1")
    wanted = {
        "function.json": json.dumps([words, [3, 1], ["2", "{7}"]]),
        "command.txt": json.dumps([*words, "-", "3", "1", "1/1024/0"]),
        "script.txt": "\n".join([*words, "3", "1", "1 of 7 1 1024 0", ""]),
    }
    for verb, pattern in ((["run"], "results/*"), (["try", "--results", "out"], "out/*")):
        assert call([*verb, *given]) == ExitCode.OK, capsys.readouterr()
        made = {name: next(tmp_path.glob(f"{pattern}/{name}")).read_text(encoding="utf-8") for name in wanted}
        assert made == wanted
    assert "THREADS" not in os.environ
    assert call(["run", "listed", "a.txt", "-p", "ks=1,x"]) == ExitCode.REFUSED
    assert "parameter ks: 'x', its item 2, is not a whole number" in capsys.readouterr().err


def test_what_is_set_by_hand_is_read_or_refused(mill: Mill) -> None:
    texts = {"plain words": "plain words", "UTF-8''%20x%0A": " x\n"}
    runs = {mill.drop("echo", "a.txt", b"x", word=value): text for value, text in texts.items()}
    refused = mill.drop("echo", "a.txt", b"x", word="UTF-8''%FF")
    for run, text in runs.items():
        assert mill.finish(run)["status"] == "SUCCEEDED"
        for way in WAYS:
            assert mill.read(f"results/echo/a.txt/{run}/{way}") == text.encode()
    assert mill.finish(refused)["status"] == "FAILED"
    assert "parameter word: \"UTF-8''%FF\" is not UTF-8" in mill.mail(refused, "FAILED").get_content()


def test_the_embedded_s3_treats_metadata_as_s3_does(apart: S3Storage) -> None:
    """Amazon S3 user guide, Working with object metadata."""
    s3, names = apart.client, {"Bucket": apart.bucket, "Key": "a"}
    s3.put_object(**names, Body=b"", Metadata={"word": " x\t"})
    assert s3.head_object(**names)["Metadata"] == {"word": "x"}
    s3.put_object(**names, Body=b"", Metadata={"word": "x" * 2044})
    for begin in (s3.put_object, s3.create_multipart_upload):
        with pytest.raises(ClientError, match="MetadataTooLarge"):
            begin(**names, Metadata={"word": "x" * 2045})
