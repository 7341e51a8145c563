"""What the main node makes of the others' notices, in a store of this process."""

import json
import threading
import time
from collections.abc import Callable

import pytest

from gristmill.enums import NodeMessage
from gristmill.errors import ExitCode
from gristmill.keys import Rendezvous
from gristmill.storage import ObjectInfo
from gristmill.worker.node.board import Board
from gristmill.worker.node.failures import NodeLost, NodeMissing
from gristmill.worker.node.others import Others
from gristmill.worker.node.ranks import RankEnd
from gristmill.worker.node.setting import Timing, read_setting

ENVIRONMENT = {"BUCKET": "mill", "AWS_BATCH_JOB_ID": "job", "AWS_BATCH_JOB_NUM_NODES": "3"}
PLACE = Rendezvous("jobs", "job", 1)
SHORT = ["--register-seconds", "0.3", "--lost-seconds", "0.3", "--heartbeat-seconds", "0.1"]


class Memory:
    """As much of the store as a board needs."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, key: str, body: bytes) -> None:
        with self._lock:
            self.objects[key] = body

    def find(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def list(self, prefix: str):
        with self._lock:
            return [ObjectInfo(key, len(body), str(hash(body))) for key, body in self.objects.items()]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def others(memory: Memory) -> Callable[..., Others]:
    def make(pause: Callable[[float], object] = time.sleep) -> Others:
        setting = read_setting([*SHORT, "--", "true"], ENVIRONMENT)
        return Others(setting, Board(memory, PLACE, setting.timing.lost, pause), pause)

    return make


def come(memory: Memory, index: int, **more: object) -> None:
    memory.put(
        PLACE.of(NodeMessage.NODE, index), json.dumps({"address": f"10.0.0.{index}", "slots": 2, **more}).encode()
    )


def test_nodes_are_gathered_as_they_come(memory: Memory, others):
    come(memory, 2)

    def pause(_seconds: float) -> None:
        come(memory, 1)

    found = others(pause).gather()
    assert {index: (registration.address, registration.slots) for index, registration in found.items()} == {
        1: ("10.0.0.1", 2),
        2: ("10.0.0.2", 2),
    }


def test_those_that_do_not_come_are_named(memory: Memory, others):
    come(memory, 1)
    with pytest.raises(NodeMissing, match=r"1 of 3 nodes did not register within 0.3 s: missing \[2\]") as missing:
        others().gather()
    assert missing.value.exit_code == ExitCode.NODE_MISSING


@pytest.mark.parametrize("wrong", [{"slots": "many"}, {"colour": "red"}, {"address": None}])
def test_a_node_that_registers_in_another_way_is_named(memory: Memory, others, wrong):
    come(memory, 1, **wrong)
    with pytest.raises(NodeMissing, match="node 1 has a registration that this version cannot read"):
        others().gather()


def test_a_loss_is_told_with_its_reason_whatever_is_waited_for(memory: Memory, others):
    come(memory, 1)
    memory.put(PLACE.of(NodeMessage.LOST, 2), b'{"reason": "its MPI daemon ended with 1"}')
    for wait in (others().gather, others().rank_ends):
        with pytest.raises(NodeLost, match="node 2 is lost: its MPI daemon ended with 1"):
            wait()


def ended(memory: Memory, index: int, code: int) -> None:
    body = json.dumps({"ranks": [{"rank": index, "node": index, "code": code}]})
    memory.put(PLACE.of(NodeMessage.ENDED, index), body.encode())


def test_every_node_says_how_its_ranks_ended(memory: Memory, others):
    def pause(_seconds: float) -> None:
        for index in (1, 2):
            ended(memory, index, index - 1)

    assert others(pause).rank_ends() == [RankEnd(1, 1, 0), RankEnd(2, 2, 1)]


def test_a_node_whose_daemon_is_not_seen_to_end_is_lost(memory: Memory, others):
    ended(memory, 1, 0)
    with pytest.raises(NodeLost, match=r"mpirun ended, but nodes \[2\] do not confirm it") as lost:
        others().rank_ends()
    assert lost.value.exit_code == ExitCode.NODE_LOST


def test_a_node_that_falls_silent_at_the_end_is_lost(memory: Memory, others):
    memory.put(PLACE.of(NodeMessage.ALIVE, 1), b"1")
    with pytest.raises(NodeLost, match=r"no heartbeat from node 1 for 0\.3 s|nodes \[1, 2\] do not confirm it"):
        others().rank_ends()


def test_a_silent_node_is_named_before_those_whose_daemons_end_with_its_own(memory: Memory, others):
    watching = others(lambda _seconds: None)
    memory.put(PLACE.of(NodeMessage.ALIVE, 1), b"1")
    watching.poll()
    for beat in (b"1", b"2"):
        time.sleep(0.12)
        memory.put(PLACE.of(NodeMessage.ALIVE, 2), beat)
        watching.poll()
    memory.put(PLACE.of(NodeMessage.LOST, 2), b'{"reason": "its MPI daemon ended with 1"}')
    with pytest.raises(NodeLost, match=r"^no heartbeat from node 1 for 0\.2 s; node 2 is lost: its MPI daemon"):
        watching.poll()


def test_at_the_time_limit_no_node_is_waited_for_longer_than_a_moment(memory: Memory, others):
    ended(memory, 1, -15)
    memory.put(PLACE.of(NodeMessage.LOST, 2), b'{"reason": "its MPI daemon ended with 1"}')
    assert others().last_rank_ends(0.2) == [RankEnd(1, 1, -15)]


def test_looks_grow_rarer_with_the_wait_and_have_bounds():
    timing = Timing()
    assert [timing.next(waited) for waited in (0, 5, 20, 600)] == [0.05, 0.05, 0.2, 0.25]
