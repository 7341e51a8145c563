"""The progress of an upload."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gristmill.cli.terminal.show import console


@contextmanager
def uploading(total: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of an upload of so many bytes on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("uploading"), BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda count: shown.advance(task, count)
