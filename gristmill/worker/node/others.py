"""Watch the other nodes from the main one, through the store: who registers, is alive, is lost, and confirms."""

import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from gristmill.enums import NodeMessage
from gristmill.parallel import together
from gristmill.worker.node.board import Board
from gristmill.worker.node.failures import NodeLost, NodeMissing
from gristmill.worker.node.host import Registration
from gristmill.worker.node.ranks import RankEnd
from gristmill.worker.node.setting import NodeSetting
from gristmill.worker.node.watch import Watch

AT_ONCE = 8  # requests to the store: there may be hundreds of nodes
_REGISTRATION = TypeAdapter(Registration)
_ENDS = TypeAdapter(list[RankEnd])


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

    def rank_ends(self) -> list[RankEnd]:
        """Wait until each node's daemon has ended well; return how the ranks there ended.

        mpirun returns 0 even when it has lost a node, and ranks abort of themselves when a node they talk to is gone:
        that is the node's loss, not the program's error.
        """
        end = time.monotonic() + self._setting.timing.lost
        while waiting := self._not_ended(self.poll()):
            if time.monotonic() > end:
                raise NodeLost(f"mpirun ended, but nodes {waiting} do not confirm it")
            self._pause(self._setting.timing.soonest)
        return self._read_ends(self._setting.others)

    def last_rank_ends(self, seconds: float) -> list[RankEnd]:
        """Return how the ranks of those nodes ended whose daemons end well within a time; no loss is raised."""
        end = time.monotonic() + seconds
        while (waiting := self._not_ended(self._board.etags())) and time.monotonic() < end:
            self._pause(self._setting.timing.soonest)
        return self._read_ends([index for index in self._setting.others if index not in waiting])

    def _not_ended(self, etags: Mapping[str, str]) -> list[int]:
        place = self._board.place
        return [index for index in self._setting.others if place.of(NodeMessage.ENDED, index) not in etags]

    def _read_ends(self, nodes: Sequence[int]) -> list[RankEnd]:
        keys = [self._board.place.of(NodeMessage.ENDED, node) for node in nodes]
        messages = together(self._board.read, keys, AT_ONCE)
        return [end for message in messages if message for end in _ENDS.validate_python(message["ranks"])]

    def poll(self) -> dict[str, str]:
        """Return the ETags of the messages that are there; NodeLost if a node reports its loss or is silent."""
        place = self._board.place
        etags = self._board.etags()
        self._watch.observe(etags, time.monotonic())
        lost = [index for index in self._setting.others if place.of(NodeMessage.LOST, index) in etags]
        # the loss of a node ends the daemons of others too, and theirs may be heard of first: who is silent is named
        long = 2 * self._setting.timing.heartbeat if lost else self._setting.timing.lost
        quiet = self._watch.silent_for(long)
        silent = [index for index in self._setting.others if place.of(NodeMessage.ALIVE, index) in quiet]
        if not lost and not silent:
            return etags
        causes = [f"no heartbeat from node {index} for {long:g} s" for index in silent if index not in lost]
        causes += [f"node {index} is lost: {self._why(index)}" for index in lost]
        raise NodeLost("; ".join(causes))

    def _why(self, index: int) -> str:
        message = self._board.read(self._board.place.of(NodeMessage.LOST, index)) or {}
        return str(message.get("reason", "no reason given"))
