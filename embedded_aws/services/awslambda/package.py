"""Deployment packages: what Lambda takes as the zip of a function or a layer, and how it is unpacked."""

import io
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import InvalidParameterValueException

from embedded_aws.settings.limits import LAMBDA_UNZIPPED_MAX

_UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)  # RuntimeError: it is encrypted


def check_package(content: bytes) -> None:
    """Raise InvalidParameterValueException for a zip that is none, too large, or leads out of its folder."""
    entries = _entries(content)
    if sum(entry.file_size for entry in entries) >= LAMBDA_UNZIPPED_MAX:
        raise InvalidParameterValueException(f"Unzipped size must be smaller than {LAMBDA_UNZIPPED_MAX} bytes")
    for entry in entries:
        if not _is_plain(entry):
            raise InvalidParameterValueException(
                f"{_UNREADABLE} ({ascii(entry.orig_filename)[:100]} is not taken here.)"
            )


def _entries(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.infolist()
    except _BROKEN as error:
        raise InvalidParameterValueException(_UNREADABLE) from error


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """Tell a file or folder below the package's own folder from links, devices and what leads elsewhere."""
    path = PurePosixPath(entry.orig_filename.replace("\\", "/"))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return (
        not path.is_absolute()
        and ".." not in path.parts
        and "\0" not in entry.orig_filename
        and kind in (0, stat.S_IFREG, stat.S_IFDIR)  # 0: made where files have no modes
        and not entry.flag_bits & 1  # encrypted
    )


def unpack(content: bytes, folder: Path) -> list[str]:
    """Unpack a zip into a new folder, which is left behind only whole; return the names of its files.

    No file grows beyond what the zip says of it, and `check_package` has counted that.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(folder)
            return archive.namelist()
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, _BROKEN):
            raise InvalidParameterValueException(_UNREADABLE) from error
        raise


def install() -> None:
    """Check each package where moto takes it, of functions and layers, from the request and from S3."""
    for name in ("_zipfile_content", "_s3_content"):
        setattr(models, name, _checked(getattr(models, name)))


def _checked(take: Callable[[Any], tuple[bytes, int, str, str]]) -> Callable[[Any], tuple[bytes, int, str, str]]:
    def take_checked(source: Any) -> tuple[bytes, int, str, str]:
        taken = take(source)
        check_package(taken[0])
        return taken

    return take_checked
