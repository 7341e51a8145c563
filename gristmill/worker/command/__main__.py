"""Entry of a submitted command: `python -m gristmill.worker.command FOLDER`. Fetches its files and becomes the command.

The command takes this process over, so its signals, its output and its exit code are the job's own.
"""

import errno
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from gristmill import keys
from gristmill.aws_clients import make_client
from gristmill.batch.submitted import SubmittedCommand
from gristmill.errors import ExitCode, first_fault
from gristmill.storage import Storage
from gristmill.storage.s3 import S3Storage

_NOT_FOUND, _NOT_RUNNABLE = 127, 126  # as in a shell


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a submitted command; returns only where it cannot be started."""
    if len(arguments) != 1 or "BUCKET" not in environment:
        return _fail("usage: python -m gristmill.worker.command FOLDER, with BUCKET in the environment", ExitCode.USAGE)
    try:
        command = _fetched(S3Storage(environment["BUCKET"], make_client("s3")), arguments[0])
    except ValidationError as error:
        fault = f"{keys.job_command(arguments[0])} is no submitted command: {first_fault(error)}"
        return _fail(f"{fault}. Submit it again with gristmill job submit.", ExitCode.FAILED)
    except (ClientError, BotoCoreError) as error:
        mend = "What is submitted with a job is kept for some days; submit it again."
        return _fail(f"the files of {arguments[0]} cannot be fetched: {error}. {mend}", ExitCode.FAILED)
    except OSError as error:
        place = error.filename or "the working folder"
        return _fail(f"a file of the job cannot be written ({place}): {error.strerror}", ExitCode.FAILED)
    return _become(command)


def _fetched(store: Storage, folder: str) -> list[str]:
    """Fetch a submitted command's files into a folder of their own, and go there; return the command."""
    submitted = SubmittedCommand.model_validate_json(store.read(keys.job_command(folder)))
    os.chdir(_workplace())
    for name in submitted.files:
        _fetch(store, keys.job_file(folder, name), Path(name))
    return submitted.command


def _workplace() -> str:
    """Return a new empty folder, here if one may be made here: the embedded AWS clears that away."""
    here = Path.cwd()
    return tempfile.mkdtemp(prefix="job-", dir=here if os.access(here, os.W_OK) else None)


def _fetch(store: Storage, key: str, path: Path) -> None:
    with store.open_range(key, 0) as source, path.open("wb") as file:
        while block := source.read(1 << 20):
            file.write(block)
    path.chmod(0o700)


def _become(command: list[str]) -> int:
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's own command, without a shell
    except FileNotFoundError:
        where = f"not found; it must be in the image (PATH is {os.environ.get('PATH', '')}), or submitted with the job"
        return _fail(f"{command[0]}: {where}", _NOT_FOUND)
    except OSError as error:
        if _is_script_without_interpreter(error):
            os.execvp("/bin/sh", ["/bin/sh", *command])  # noqa: S606 - as a shell runs a script without #!
        return _fail(f"{command[0]}: {error.strerror}", _NOT_RUNNABLE)


def _is_script_without_interpreter(error: OSError) -> bool:
    return error.errno == errno.ENOEXEC


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
