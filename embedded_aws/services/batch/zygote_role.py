"""The zygote's role for jobs: be `python -m MODULE ARGUMENTS...` in a folder and an environment of its own.

The node of a multi-node job gets a host name of its own, too.
"""

import atexit
import contextlib
import os
import runpy
import sys
import tempfile
import threading
import time
import traceback
from typing import Any

HEAVY = ("boto3", "pydantic", "yaml")
SERVICES = ("s3",)


def be(request: dict[str, Any], files: list[int]) -> None:
    """Run the module to its end, and end as the interpreter does."""
    (output,) = files
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # TMPDIR has changed
    time.tzset()
    os.chdir(request["folder"])
    sys.path.insert(0, request["folder"])
    if request["host"]:
        from embedded_aws.processes import hostname

        hostname.take_if_possible(request["host"])
    module, *arguments = request["command"]
    sys.modules.pop(f"{module}.__main__", None)  # preloaded for what it imports; now it may run as __main__
    sys.argv = [module, *arguments]
    end(run(module))


def run(module: str) -> int:
    """Return the exit code of `python -m`."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        return exit_code(error)
    except BaseException:  # noqa: BLE001 - whatever a program dies of
        traceback.print_exc()
        return 1
    return 0


def exit_code(error: SystemExit) -> int:
    """Return what the interpreter makes of `sys.exit(...)`: text is printed and means 1."""
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)  # noqa: T201
    return 1


def end(code: int) -> None:
    """Wait for threads, run what is registered for the end, flush: what `os._exit` leaves out.

    The interpreter's own teardown of every module would take longer than the start.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # a program may have closed it, or put anything in its place
                stream.flush()
    finally:
        os._exit(code)
