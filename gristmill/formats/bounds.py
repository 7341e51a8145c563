"""What one Split can do: how much it can read, and into how many tasks it may cut."""

from collections.abc import Sequence

from gristmill.enums import Encoding
from gristmill.errors import Refused
from gristmill.limits import BGZF_SCAN_MAX_BYTES, FILES_MAX, GIB, SCAN_MAX_BYTES, TASKS_MAX


def check_tasks(count: int) -> None:
    """Refuse to cut into more tasks than Merge and CheckOutput can hold in memory."""
    if count > TASKS_MAX:
        raise Refused(
            [f"the file would be cut into more than {TASKS_MAX:,} tasks, the most that a stage may have"],
            "Give each task more records or bytes.",
        )


def check_files(tasks: int, publishing: Sequence[str]) -> None:
    """Refuse to publish a file of each task where one Merge could not copy them; `publishing` names such branches."""
    if publishing and tasks > FILES_MAX:
        raise Refused(
            [
                f"{', '.join(publishing)} would publish {tasks:,} files, one a task; a branch with `output: files` may "
                f"publish {FILES_MAX:,}"
            ],
            "Give each task more, or let the outputs be joined (merge: concat).",
        )


def check_scan(size: int, encoding: Encoding, scans: bool) -> None:
    """Refuse to read all of an input that one Split cannot."""
    limit = BGZF_SCAN_MAX_BYTES if encoding is Encoding.BGZF else SCAN_MAX_BYTES
    if scans and encoding is not Encoding.GZIP and size > limit:
        raise Refused(
            [
                f"the file has {size / GIB:.0f} GiB; cutting it by records, or as CSV, reads all of it, and one Split "
                f"can read {limit / GIB:.0f} GiB"
            ],
            "Give bytes_per_task instead: cutting by bytes looks only near the cuts (CSV without line ends in its "
            "fields can be read as lines).",
        )
