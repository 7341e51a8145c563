"""The main node: wait for the others, run mpirun, watch, and accept success only when all nodes confirm it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gristmill.enums import NodeMessage
from gristmill.errors import ExitCode
from gristmill.parallel import together
from gristmill.worker.node.board import Board
from gristmill.worker.node.host import Registration
from gristmill.worker.node.mpirun import Mpirun
from gristmill.worker.node.others import AT_ONCE, Others
from gristmill.worker.node.setting import NodeSetting

_TICK = 0.1  # seconds between polls of mpirun
_SOON = 0.02  # the same while its agent has commands for nodes to come


class MainNode:
    """One attempt, seen from its main node; `log` writes into the job's log."""

    def __init__(
        self, setting: NodeSetting, board: Board, pause: Callable[[float], None], log: Callable[[str], None]
    ) -> None:
        self._setting, self._board, self._pause, self._log = setting, board, pause, log
        self._others = Others(setting, board, pause)

    def run(self, own: Registration, command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
        """Run the program over all nodes; return its exit code, 0 only once every node has confirmed."""
        nodes = {self._setting.main: own, **self._others.gather()}
        self._log(f"all {len(nodes)} nodes are here: {sum(node.slots for node in nodes.values())} ranks")
        mpirun = Mpirun(folder, self._setting.main, nodes)
        mpirun.start(command, environment)
        code = self._follow(mpirun)
        if code == ExitCode.OK:
            self._others.confirm()
        return code

    def _follow(self, mpirun: Mpirun) -> int:
        """Pass launch commands on and watch the others until mpirun has ended; return its exit code."""
        poll_at, to_launch = time.monotonic(), len(self._setting.others)
        while (code := mpirun.returncode()) is None:
            if launches := mpirun.launches():
                self._launch(launches)
                to_launch -= len(launches)
            if time.monotonic() >= poll_at:
                self._others.poll()
                poll_at = time.monotonic() + self._setting.timing.watch
            self._pause(_SOON if to_launch > 0 else _TICK)
        if code < 0:
            return 128 - code  # killed: that the daemons die of it is no other node's loss
        if code != ExitCode.OK:
            self._others.await_heartbeats()
        return code

    def _launch(self, commands: Mapping[int, str]) -> None:
        """Pass on what each node is to run."""
        together(self._put_launch, commands.items(), AT_ONCE)

    def _put_launch(self, launch: tuple[int, str]) -> None:
        index, command = launch
        self._board.put(self._board.place.of(NodeMessage.LAUNCH, index), {"command": command})
