"""Every other node: register, run the daemon of mpirun, watch the main node, and end with its exit code."""

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from gristmill.enums import NodeMessage
from gristmill.worker.node.board import Board
from gristmill.worker.node.failures import MainNodeLost
from gristmill.worker.node.host import Registration
from gristmill.worker.node.ranks import Accounts
from gristmill.worker.node.setting import NodeSetting
from gristmill.worker.node.watch import Watch


class OtherNode:
    """One attempt, seen from a node that is not the main one."""

    def __init__(
        self,
        setting: NodeSetting,
        board: Board,
        pause: Callable[[float], None],
        log: Callable[[str], None],
        accounts: Accounts,
        leave_footprint: Callable[[], None],
    ) -> None:
        self._setting, self._board, self._pause, self._log = setting, board, pause, log
        self._accounts = accounts
        self._leave_footprint = leave_footprint
        self._heartbeat = board.place.key(NodeMessage.HEARTBEAT)
        self._watch = Watch([self._heartbeat], 2 * setting.timing.heartbeat, at_once=True)
        self._daemon: subprocess.Popen[bytes] | None = None
        self._reported = False
        self._poll_at = 0.0

    def run(self, own: Registration, environment: Mapping[str, str]) -> int:
        """Take part until the main node publishes the outcome; return its exit code."""
        self._board.put(self._board.place.of(NodeMessage.NODE, self._setting.index), asdict(own))
        begun = time.monotonic()
        while (outcome := self._outcome()) is None:
            if self._daemon is None:
                self._start(environment)
            elif (code := self._daemon.poll()) is not None and not self._reported:
                self._report(code)
            self._pause(self._setting.timing.next(time.monotonic() - begun))
        self._log(f"the main node ends with {outcome['exit_code']}: {outcome['reason']}")
        return int(outcome["exit_code"])

    def _outcome(self) -> dict[str, Any] | None:
        """Return the outcome from the main node; read rarely until the daemon has ended."""
        now = time.monotonic()
        is_over = self._daemon is not None and self._daemon.poll() is not None
        if now < self._poll_at and not is_over:
            return None
        self._poll_at = now + self._setting.timing.watch
        self._watch.observe({self._heartbeat: self._board.etag(self._heartbeat)}, now)
        if self._watch.silent_for(self._setting.timing.lost):
            raise MainNodeLost(f"no heartbeat from the main node for {self._setting.timing.lost:g} s")
        return self._board.read(self._board.place.key(NodeMessage.OUTCOME))

    def _start(self, environment: Mapping[str, str]) -> None:
        """Run the daemon once its command has come: in the foreground, so that its end is seen."""
        launch = self._board.read(self._board.place.of(NodeMessage.LAUNCH, self._setting.index))
        if launch is not None:
            self._log("the MPI daemon starts")
            command = launch["command"].replace("prted --daemonize", "prted")
            self._daemon = subprocess.Popen(["sh", "-c", command], env=dict(environment), stdin=subprocess.DEVNULL)

    def _report(self, code: int) -> None:
        """Report the daemon's end, and how the ranks ended; the main node may end right after."""
        place, index = self._board.place, self._setting.index
        self._leave_footprint()
        if code != 0:
            self._board.put(place.of(NodeMessage.LOST, index), {"reason": f"its MPI daemon ended with {code}"})
        else:
            ends = [asdict(end) for end in self._accounts.read()]
            self._board.put(place.of(NodeMessage.ENDED, index), {"ranks": ends})
        self._reported = True
