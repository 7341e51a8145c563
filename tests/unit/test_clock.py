"""Time, chance and threads have one home each, and the core runs as well on a virtual clock in one thread."""

import ast
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.clock import Clock, seldom
from gristmill.parallel import Item, Result, together
from gristmill.runs.locations import branch_keys
from gristmill.runs.repository import read_record
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.__main__ import make_runner
from gristmill.worker.child.deadline import Termination, TimeLimit
from gristmill.worker.child.runner import Runner
from gristmill.worker.child.setting import ChildSetting
from tests.unit.test_walk import TEXT
from tests.unit.walk import event, walk

CORE = Path(__file__).parents[2] / "gristmill"
# the supervisor of a rank is a program by itself, of the standard library alone
HOMES = {"clock.py", "parallel.py", "worker/node/supervisor.py"}
ITSELF = {("time", "sleep"), ("random", "uniform"), ("futures", "ThreadPoolExecutor")}


def _named(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield modules and what is taken of them, as attributes or by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module.rpartition(".")[2], alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            owner = node.value
            yield getattr(owner, "attr", getattr(owner, "id", "")), node.attr


def test_only_their_homes_name_sleep_chance_and_thread_pools():
    files = [path for path in sorted(CORE.rglob("*.py")) if path.relative_to(CORE).as_posix() not in HOMES]
    assert len(files) > 100
    found = {path.name: named for path in files if (named := ITSELF & set(_named(ast.parse(path.read_text()))))}
    assert found == {}


@pytest.mark.parametrize("text", ["import time\ntime.sleep(1)", "from time import sleep", "from random import uniform"])
def test_either_way_to_name_them_is_seen(text: str):
    assert ITSELF & set(_named(ast.parse(text)))


@given(st.lists(st.integers()), st.integers(1, 20))
def test_results_come_in_the_order_of_the_items(items: list[int], threads: int):
    assert together(lambda item: item + 1, items, threads) == [item + 1 for item in items]


def test_calls_run_at_once_and_no_more_than_allowed():
    met = threading.Barrier(3, timeout=10)
    assert together(lambda _item: met.wait() >= 0, range(3), 3) == [True] * 3
    most, running, lock = 0, 0, threading.Lock()

    def work(_item: int) -> None:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    together(work, range(50), 2)
    assert most <= 2


def test_the_error_of_the_first_item_is_raised_once_all_that_run_have_ended():
    begun, ended, may_end = [], [], threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            may_end.set()
            raise ValueError("second")
        may_end.wait(10)
        ended.append(item)

    with pytest.raises(ValueError, match="second"):
        together(work, range(100), 2)
    assert ended == [0]
    assert len(begun) < 100


class NoLimit(TimeLimit):
    """A limit that no thread watches over."""

    def __enter__(self) -> Self:
        return self

    def call(self, work: Callable[[], None], last_words: Callable[[str], None]) -> None:
        work()


def unwatched(setting: ChildSetting, store: S3Storage, place: Path, termination: Termination) -> Runner:
    runner = make_runner(setting, store, place, termination)
    runner.time_limit = NoLimit
    return runner


def test_a_run_walks_through_the_core_on_a_virtual_clock_in_one_thread(store, claimant, monkeypatch):
    now, threads = [1_767_324_500.0], threading.active_count()

    def one_after_another(
        work: Callable[[Item], Result],
        items: Iterable[Item],
        threads: int = 1,
    ) -> list[Result]:
        return [work(item) for item in items]

    def no_thread(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread.name} was started")

    virtual = Clock(
        now=lambda: now[0], sleep=lambda _seconds: None, uniform=lambda low, _high: low, unix=lambda: now[0]
    )
    own = S3Storage(store.bucket, store.client, virtual, one_after_another)
    drop = event(own, "inputs/strings/x.txt", TEXT, **{"lines-per-task": "4"})
    monkeypatch.setattr("gristmill.parallel.threading.Thread.start", no_thread)
    monkeypatch.setattr("gristmill.worker.child.__main__.make_runner", unwatched)
    answer = walk(own, claimant, monkeypatch, drop)
    assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
    receipts = store.list(branch_keys(read_record(store, answer["run"]), "map", "repeat").receipts)
    assert {store.read_json(receipt.key)["started"] for receipt in receipts} == set(now)
    assert threading.active_count() == threads


def test_what_is_done_seldom_is_done_once_in_so_many_seconds():
    times, done = iter([0.0, 0.4, 0.9, 1.0, 1.5, 2.1]), []
    act = seldom(lambda: done.append(1), Clock(now=lambda: next(times)))
    counts = []
    for _ in range(6):
        act()
        counts.append(len(done))
    assert counts == [1, 1, 1, 2, 2, 3]
