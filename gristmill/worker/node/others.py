"""Watch the other nodes from the main one, through the store: who registers, is alive, is lost, and confirms."""

import time
from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from gristmill.enums import NodeMessage
from gristmill.parallel import together
from gristmill.worker.node.board import Board
from gristmill.worker.node.failures import NodeLost, NodeMissing
from gristmill.worker.node.host import Registration
from gristmill.worker.node.setting import NodeSetting
from gristmill.worker.node.watch import Watch

AT_ONCE = 8  # requests to the store: there may be hundreds of nodes
_REGISTRATION = TypeAdapter(Registration)


class Others:
    """All nodes of one attempt but the main one. Each wait is bounded, and ends with NodeLost if a node is lost."""

    def __init__(self, setting: NodeSetting, board: Board, pause: Callable[[float], None]) -> None:
        self._setting, self._board, self._pause = setting, board, pause
        self._alive = [board.place.of(NodeMessage.ALIVE, index) for index in setting.others]
        self._watch = Watch(self._alive, 2 * setting.timing.heartbeat)

    def gather(self) -> dict[int, Registration]:
        """Wait for all nodes; NodeMissing if one does not come in time or cannot take part."""
        nodes: dict[int, Registration] = {}
        begun = time.monotonic()
        while True:
            etags = self.poll()
            missing = [index for index in self._setting.others if index not in nodes]
            come = [index for index in missing if self._board.place.of(NodeMessage.NODE, index) in etags]
            nodes |= zip(come, together(self._read, come, AT_ONCE), strict=True)
            if len(come) == len(missing):
                return nodes
            waited = time.monotonic() - begun
            if waited > self._setting.timing.register:
                raise NodeMissing(
                    f"{len(missing) - len(come)} of {self._setting.nodes} nodes did not register within "
                    f"{self._setting.timing.register:g} s: missing {[index for index in missing if index not in come]}"
                )
            self._pause(self._setting.timing.next(waited))

    def _read(self, index: int) -> Registration:
        try:
            node = _REGISTRATION.validate_python(self._board.read(self._board.place.of(NodeMessage.NODE, index)))
        except ValidationError as error:
            raise NodeMissing(f"node {index} has a registration that this version cannot read: {error}") from error
        if node.error:
            raise NodeMissing(f"node {index} cannot take part: {node.error}")
        return node

    def await_heartbeats(self) -> None:
        """Wait for a fresh heartbeat of each node.

        Ranks abort of themselves when a node they talk to is gone: that is the node's loss, not the program's error.
        """
        before = self.poll()
        while any(etags.get(key) == before.get(key) for etags in [self.poll()] for key in self._alive):
            self._pause(self._setting.timing.poll)

    def confirm(self) -> None:
        """Ask each node whether its daemon ended well: mpirun returns 0 even when it has lost one."""
        place, end = self._board.place, time.monotonic() + self._setting.timing.lost
        self._board.put(place.key(NodeMessage.ENDING), {"exit_code": 0})
        while True:
            etags = self.poll()
            waiting = [index for index in self._setting.others if place.of(NodeMessage.ACK, index) not in etags]
            if not waiting:
                return
            if time.monotonic() > end:
                raise NodeLost(f"mpirun ended well, but nodes {waiting} do not confirm it")
            self._pause(self._setting.timing.soonest)

    def poll(self) -> dict[str, str]:
        """Return the ETags of the messages that are there; NodeLost if a node reports its loss or is silent."""
        place = self._board.place
        etags = self._board.etags()
        self._watch.observe(etags, time.monotonic())
        lost = [index for index in self._setting.others if place.of(NodeMessage.LOST, index) in etags]
        quiet = self._watch.silent_for(self._setting.timing.lost)
        silent = [index for index in self._setting.others if place.of(NodeMessage.ALIVE, index) in quiet]
        if not lost and not silent:
            return etags
        causes = [f"node {index} is lost: {self._why(index)}" for index in lost]
        causes += [f"no heartbeat from node {index} for {self._setting.timing.lost:g} s" for index in silent]
        raise NodeLost("; ".join(causes))

    def _why(self, index: int) -> str:
        message = self._board.read(self._board.place.of(NodeMessage.LOST, index)) or {}
        return str(message.get("reason", "no reason given"))
