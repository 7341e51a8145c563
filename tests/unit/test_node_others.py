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
    for wait in (others().gather, others().await_heartbeats, others().confirm):
        with pytest.raises(NodeLost, match="node 2 is lost: its MPI daemon ended with 1"):
            wait()


def test_a_good_end_counts_once_every_node_has_confirmed_it(memory: Memory, others):
    def pause(_seconds: float) -> None:
        assert PLACE.key(NodeMessage.ENDING) in memory.objects
        for index in (1, 2):
            memory.put(PLACE.of(NodeMessage.ACK, index), b"{}")

    others(pause).confirm()


def test_a_good_end_that_a_node_does_not_confirm_is_its_loss(memory: Memory, others):
    memory.put(PLACE.of(NodeMessage.ACK, 1), b"{}")
    with pytest.raises(NodeLost, match=r"mpirun ended well, but nodes \[2\] do not confirm it") as lost:
        others().confirm()
    assert lost.value.exit_code == ExitCode.NODE_LOST


def test_a_failed_program_waits_for_a_sign_of_life_of_each_node(memory: Memory, others):
    beats = iter(range(100))

    def pause(_seconds: float) -> None:
        for index in (1, 2):
            memory.put(PLACE.of(NodeMessage.ALIVE, index), b"%d" % next(beats))

    pause(0)
    others(pause).await_heartbeats()
    silent = others()
    with pytest.raises(NodeLost, match=r"no heartbeat from node 1 for 0\.3 s; no heartbeat from node 2"):
        silent.await_heartbeats()


def test_looks_grow_rarer_with_the_wait_and_have_bounds():
    timing = Timing()
    assert [timing.next(waited) for waited in (0, 5, 20, 600)] == [0.1, 0.1, 0.2, 0.25]
