"""The main node: waits for the others, runs mpirun, watches, and believes a good end only when all confirm it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from batch_jobs.node.board import Board
from batch_jobs.node.failures import NodeLost, NodeMissing
from batch_jobs.node.host import Registration
from batch_jobs.node.mpirun import Mpirun
from batch_jobs.node.setting import Setting
from batch_jobs.node.watch import Watch
from gristmill.errors import ExitCode
from gristmill.words import Notice

_TICK = 0.1  # seconds between looks at the local process and its agent's files


class MainNode:
    """One attempt, seen from its main node; `say` writes into the job's log."""

    def __init__(
        self, setting: Setting, board: Board, pause: Callable[[float], None], say: Callable[[str], None]
    ) -> None:
        self._setting, self._board, self._pause, self._say = setting, board, pause, say
        self._watch = Watch([board.place.of(Notice.ALIVE, one) for one in setting.others], 2 * setting.pace.heartbeat)

    def run(self, own: Registration, command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
        """Run the program over all nodes; return its exit code, 0 only once every node has confirmed."""
        nodes = {self._setting.main: own, **self._gather()}
        self._say(f"all {len(nodes)} nodes are here: {sum(one.slots for one in nodes.values())} ranks")
        mpirun = Mpirun(folder, self._setting.main, nodes)
        mpirun.start(command, environment)
        code = self._follow(mpirun)
        if code == ExitCode.OK:
            self._confirm()
        return code

    def _gather(self) -> dict[int, Registration]:
        """Wait for the other nodes, no longer than allowed."""
        nodes: dict[int, Registration] = {}
        end = time.monotonic() + self._setting.pace.register
        while True:
            etags = self._look()
            for index in self._setting.others:
                if index not in nodes and self._board.place.of(Notice.NODE, index) in etags:
                    nodes[index] = self._read(index)
            missing = [index for index in self._setting.others if index not in nodes]
            if not missing:
                return nodes
            if time.monotonic() > end:
                raise NodeMissing(
                    f"{len(missing)} of {self._setting.nodes} nodes did not register within "
                    f"{self._setting.pace.register:g} s: missing {missing}"
                )
            self._pause(self._setting.pace.poll)

    def _read(self, index: int) -> Registration:
        node = Registration.model_validate(self._board.read(self._board.place.of(Notice.NODE, index)))
        if node.error:
            raise NodeMissing(f"node {index} cannot take part: {node.error}")
        return node

    def _follow(self, mpirun: Mpirun) -> int:
        """Pass launch commands on and watch the others until mpirun has ended; return its exit code."""
        look_at = time.monotonic()
        while (code := mpirun.returncode()) is None:
            for index, command in mpirun.launches().items():
                self._board.put(self._board.place.of(Notice.LAUNCH, index), {"command": command})
            if time.monotonic() >= look_at:
                self._look()
                look_at = time.monotonic() + self._setting.pace.watch
            self._pause(_TICK)
        if code < 0:
            return 128 - code  # killed: that the daemons die of it is no other node's loss
        if code != ExitCode.OK:
            self._hear_all()
        return code

    def _hear_all(self) -> None:
        """Wait for a fresh sign of life of every node; NodeLost where one gives none.

        Ranks abort of themselves when a node they talk to is gone: that is the node's loss, not the program's error.
        """
        alive = [self._board.place.of(Notice.ALIVE, one) for one in self._setting.others]
        before = self._look()
        while any(etags.get(one) == before.get(one) for etags in [self._look()] for one in alive):
            self._pause(self._setting.pace.poll)

    def _confirm(self) -> None:
        """Ask every node for its daemon's good end: mpirun returns 0 even when it has lost one."""
        place, end = self._board.place, time.monotonic() + self._setting.pace.lost
        self._board.put(place.key(Notice.ENDING), {"exit_code": 0})
        while True:
            etags = self._look()
            waiting = [index for index in self._setting.others if place.of(Notice.ACK, index) not in etags]
            if not waiting:
                return
            if time.monotonic() > end:
                raise NodeLost(f"mpirun ended well, but nodes {waiting} do not confirm it")
            self._pause(self._setting.pace.poll)

    def _look(self) -> dict[str, str]:
        """Return the notices that are there; NodeLost where one tells of a loss, or a node is silent."""
        place = self._board.place
        etags = self._board.etags()
        self._watch.look(etags, time.monotonic())
        lost = [index for index in self._setting.others if place.of(Notice.LOST, index) in etags]
        quiet = self._watch.silent_for(self._setting.pace.lost)
        silent = [index for index in self._setting.others if place.of(Notice.ALIVE, index) in quiet]
        if not lost and not silent:
            return etags
        told = [f"node {index} is lost: {self._why(index)}" for index in lost]
        told += [f"no sign of life from node {index} for {self._setting.pace.lost:g} s" for index in silent]
        raise NodeLost("; ".join(told))

    def _why(self, index: int) -> str:
        notice = self._board.read(self._board.place.of(Notice.LOST, index)) or {}
        return str(notice.get("reason", "no reason given"))
