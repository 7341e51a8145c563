"""A child in this process, which is left as it was: environment, search path and modules."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.code.kept import PATH
from gristmill.storage import Storage
from gristmill.worker.child.__main__ import make_runner
from gristmill.worker.child.setting import ChildSetting


@contextmanager
def _own_environment() -> Iterator[None]:
    """Put the environment back afterwards: a branch sets variables of its own."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_child(store: Storage, setting: ChildSetting) -> int:
    """Do a child's tasks in this process; return how many failed."""
    with TemporaryDirectory(prefix="code-", ignore_cleanup_errors=True) as place, _own_environment():
        runner = make_runner(setting, store, Path(place))
        runner.log = lambda _line: None  # failures are read from their records
        with redirect_stdout(sys.stderr):  # what a job prints is its log
            runner.run()
        return runner.tally.failed


@contextmanager
def restored_path() -> Iterator[None]:
    """Have this process forget, afterwards, the libraries of a trial, and what it has loaded of them."""
    path, variable = list(sys.path), os.environ.get(PATH)
    try:
        yield
    finally:
        added = [entry for entry in sys.path if entry not in path]
        sys.path[:] = path
        os.environ.pop(PATH, None)
        os.environ.update({PATH: variable} if variable is not None else {})
        for name, module in list(sys.modules.items()):
            if added and str(getattr(module, "__file__", "")).startswith(tuple(added)):
                del sys.modules[name]
