"""Entry of every node of a multi-node job: `python -m gristmill.worker.node`. The ranks' exit code is the job's.

All wait for the last node to start, so each imports only what it needs.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from gristmill.aws_clients import make_bare_client
from gristmill.enums import NodeMessage
from gristmill.errors import ExitCode, GristmillError
from gristmill.keys import Rendezvous
from gristmill.printable import encodable
from gristmill.storage.s3 import S3Storage
from gristmill.worker.node.board import Board, Heartbeat, quick_config
from gristmill.worker.node.failures import NodeTerminated
from gristmill.worker.node.host import Registration, register
from gristmill.worker.node.mpirun import find_mpirun
from gristmill.worker.node.ranks import Accounts
from gristmill.worker.node.setting import NodeSetting, read_setting
from gristmill.worker.node.work import Work, make_work
from process_tree.descendants import adopt_orphans, end_descendants


class SignalListener:
    """Listen for SIGTERM; `pause` raises it as an exception."""

    def __init__(self) -> None:
        self._received = threading.Event()
        signal.signal(signal.SIGTERM, self._receive)

    def pause(self, seconds: float) -> None:
        """Wait; NodeTerminated once SIGTERM has come."""
        if self._received.wait(seconds):
            raise NodeTerminated("terminated (SIGTERM)")

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received.set()


def main() -> int:
    """Run one node; return its exit code."""
    adopt_orphans()
    ear = SignalListener()
    folder = Path(tempfile.mkdtemp(prefix="gristmill-node-"))
    try:
        setting = read_setting(sys.argv[1:], os.environ)
        return run(setting, folder, ear.pause)
    except GristmillError as error:
        log_line(str(error))
        return error.exit_code
    finally:
        end_descendants()
        shutil.rmtree(folder, ignore_errors=True)


def run(setting: NodeSetting, folder: Path, pause: Callable[[float], None]) -> int:
    """Take part in one attempt."""
    store = S3Storage(setting.bucket, make_bare_client("s3", quick_config()))
    place = Rendezvous(setting.cursor.run, setting.job_id, setting.attempt)
    board = Board(store, place, setting.timing.lost, pause)
    log_line(f"node {setting.index} of {setting.nodes}, main node {setting.main}, try {setting.attempt} of Batch")
    sign = place.key(NodeMessage.HEARTBEAT) if setting.is_main else place.of(NodeMessage.ALIVE, setting.index)
    pulse = Heartbeat(board, sign, setting.timing.heartbeat)
    pulse.start()
    try:
        work = make_work(setting, folder)
        return (_main_node if setting.is_main else _other_node)(setting, board, work, folder, pause)
    finally:
        pulse.stop()


def _main_node(setting: NodeSetting, board: Board, work: Work, folder: Path, pause: Callable[[float], None]) -> int:
    """Run the program, commit what it made, and publish the outcome."""
    from gristmill.worker.child.reasons import is_refusal
    from gristmill.worker.node.main_node import MainNode
    from gristmill.worker.node.verdict import Verdict

    accounts = Accounts(folder / "ranks", setting.index)
    node = MainNode(setting, board, pause, log_line, accounts)
    verdict = Verdict(ExitCode.FAILED, "the main node failed")
    try:
        if setting.attempt > 1 and work.is_committed():
            verdict = Verdict(ExitCode.OK, "an earlier try of Batch has committed the output")
        else:
            own = prepare(setting, work)
            verdict = node.run(own, work.command, folder, environment(work, accounts))
            if verdict.code == 0:
                work.commit()
    except GristmillError as error:
        verdict = Verdict(error.exit_code, str(error), refused=is_refusal(error))
    except Exception as error:
        verdict = Verdict(ExitCode.FAILED, _why(error))  # it may have been a good one until the output was committed
        raise
    finally:
        log_line(verdict.reason)
        if verdict.code != 0:
            work.note_failure(verdict, node.output)
        work.leave_footprint()
        outcome = {"exit_code": verdict.code, "reason": verdict.reason}
        board.try_put(board.place.key(NodeMessage.OUTCOME), outcome)
    return verdict.code


def _other_node(setting: NodeSetting, board: Board, work: Work, folder: Path, pause: Callable[[float], None]) -> int:
    """Take part; report to the main node what ends this one early."""
    from gristmill.worker.node.other_node import OtherNode

    accounts = Accounts(folder / "ranks", setting.index)
    try:
        own = prepare(setting, work)
    except Exception as error:  # noqa: BLE001 - else the main node waits for this one to its limit
        own = Registration(error=_why(error))
    try:
        node = OtherNode(setting, board, pause, log_line, accounts, work.leave_footprint)
        return node.run(own, environment(work, accounts))
    except Exception as error:
        board.try_put(board.place.of(NodeMessage.LOST, setting.index), {"reason": _why(error)})
        raise


def _why(error: Exception) -> str:
    from gristmill.worker.child.reasons import reason_of  # heavy, and few need it

    return reason_of(error)


def prepare(setting: NodeSetting, work: Work) -> Registration:
    """Prepare the node; what it raises says why it cannot take part."""
    find_mpirun()
    work.stage()
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return register(setting.main_address, endpoint, setting.slots, os.environ)


def environment(work: Work, accounts: Accounts) -> dict[str, str]:
    """Return the environment of this node's ranks: the container's own, so each rank knows its own node."""
    return {**os.environ, **work.environment, **accounts.variables}


def log_line(line: str) -> None:
    """Write a line to the log at once: a follower sees it while the node runs."""
    print(f"gristmill: {encodable(line)}", flush=True)  # noqa: T201 - a container's log is its stdout


if __name__ == "__main__":
    sys.exit(main())
