"""Mails of the outbox, and files that lie there and are none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from embedded_aws.door import read_mails
from embedded_aws.services.sns.mail import deliver, make_mail
from embedded_aws.settings.application import Application
from embedded_aws.settings.settings import Settings

HEAD = b"From: a@b.org\nTo: a@b.org\nDate: Thu, 01 Jan 2026 00:00:00 -0000\nSubject: x\n"
MANY = b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nb\n--a--\n"


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)


PLANTED: dict[str, Callable[[Path], object]] = {
    "too large": large,
    "a symbolic link": lambda path: path.symlink_to(path.parent.parent / "mine"),
    "a second name": lambda path: path.hardlink_to(path.parent.parent / "mine"),
    "not a file": lambda path: path.mkdir(),
    "not one text": lambda path: path.write_bytes(b"text"),
    "not one text with": lambda path: path.write_bytes(HEAD + MANY),
    "unknown encoding": lambda path: path.write_bytes(HEAD + b"Content-Type: text/plain; charset=none\n\n\xff"),
}


@pytest.mark.parametrize("why", PLANTED)
def test_what_is_no_mail_is_named_and_left_out(tmp_path: Path, why: str):
    settings = Settings(tmp_path, tmp_path)
    deliver(settings, make_mail(Application(), "a@b.org", "A run", "é" * 256 * 1024, "arn"))
    (tmp_path / "mine").write_bytes(HEAD + b"\nprecious")
    (tmp_path / "mine").chmod(0o600)
    planted = settings.outbox / "0.eml"
    PLANTED[why](planted)
    if planted.is_file() and planted.stat().st_nlink == 1:
        planted.chmod(0o600)
    mails, faults = read_mails(tmp_path)
    assert [mail["Subject"] for mail in mails] == ["A run"]
    assert len(faults) == 1
    assert "0.eml is no mail of the embedded AWS: " in faults[0]
    assert why in faults[0]


def test_an_outbox_that_is_a_link_is_not_read(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "outbox").symlink_to(tmp_path / "real")
    assert read_mails(tmp_path) == ([], [f"{tmp_path / 'outbox'}: it is a symbolic link"])
    assert read_mails(tmp_path / "none") == ([], [])
