"""Deployment packages: what Lambda takes, and that nothing is left of one that cannot be unpacked."""

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.awslambda.exceptions import InvalidParameterValueException

from embedded_aws.services.awslambda import package
from embedded_aws.services.awslambda.package import check_package, unpack
from embedded_aws.settings.limits import LAMBDA_UNZIPPED_MAX


def zipped(*entries: tuple[str, bytes, int]) -> bytes:
    """Return a zip of names, contents and modes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, body)
    return content.getvalue()


def declaring(content: bytes, size: int) -> bytes:
    """Return a zip of one file whose directory declares another size than it has."""
    at = content.rindex(b"PK\x01\x02") + 24
    return content[:at] + size.to_bytes(4, "little") + content[at + 4 :]


@given(st.lists(st.integers(0, 40), max_size=5))
def test_the_files_together_are_below_the_limit(sizes: list[int]):
    content = zipped(*((f"{number}.txt", bytes(size), 0o644) for number, size in enumerate(sizes)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "LAMBDA_UNZIPPED_MAX", 100)
        if sum(sizes) < 100:
            check_package(content)
            return
        with pytest.raises(InvalidParameterValueException, match="Unzipped size must be smaller than 100 bytes"):
            check_package(content)


@pytest.mark.parametrize("size", [LAMBDA_UNZIPPED_MAX, 600_000_000])
def test_the_limit_is_that_of_aws(size: int):
    check_package(declaring(zipped(("a", b"a", 0o644)), LAMBDA_UNZIPPED_MAX - 1))
    with pytest.raises(InvalidParameterValueException, match="must be smaller than 262144000 bytes"):
        check_package(declaring(zipped(("a", b"a", 0o644)), size))


STRANGE = {
    "above": ("../a", b"", 0o644),
    "above, later": ("a/../../b", b"", 0o644),
    "absolute": ("/etc/cron.d/a", b"", 0o644),
    "above, as Windows writes it": ("a\\..\\..\\b", b"", 0o644),
    "a symbolic link": ("a", b"/etc/passwd", stat.S_IFLNK | 0o777),
    "a pipe": ("a", b"", stat.S_IFIFO | 0o644),
    "a device": ("a", b"", stat.S_IFCHR | 0o644),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_leads_out_of_the_package_is_refused(kind: str):
    with pytest.raises(InvalidParameterValueException, match="Could not unzip uploaded file"):
        check_package(zipped(("app.py", b"", 0o644), STRANGE[kind]))


@pytest.mark.parametrize("content", [b"", b"no zip", zipped(("a", b"a" * 1000, 0o644))[:-30]])
def test_what_is_no_zip_is_refused(content: bytes):
    with pytest.raises(InvalidParameterValueException, match="Could not unzip uploaded file"):
        check_package(content)


def test_a_package_is_unpacked_as_it_is(tmp_path: Path):
    content = zipped(("a/", b"", stat.S_IFDIR | 0o755), ("a/b.py", b"b", stat.S_IFREG | 0o644), ("c", b"c", 0))
    check_package(content)
    assert unpack(content, tmp_path / "f") == ["a/", "a/b.py", "c"]
    assert (tmp_path / "f" / "a" / "b.py").read_bytes() == b"b"


def test_nothing_is_left_of_a_package_that_is_larger_than_it_says(tmp_path: Path):
    whole = declaring(zipped(("a", bytes(50_000_000), 0o644)), 10)
    check_package(whole)
    with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
        unpack(whole, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_the_disk_is_full(tmp_path: Path, monkeypatch):
    def full(*_arguments: object) -> None:
        (tmp_path / "f").mkdir()
        (tmp_path / "f" / "half").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(zipped(("a", b"a", 0o644)), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
