"""Several calls at once, given as an argument to whatever makes them: a simulation makes them one after another."""

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

THREADS = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Protocol):
    """What `together` does: in real threads, or as a simulation likes it."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS) -> list[Result]:
        """Return what `work` returns of each item, in the order of the items."""


def together(work: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS) -> list[Result]:
    """Return what `work` returns of each item, in the order of the items; at most `threads` calls run at once.

    After a call has raised, no more begin; once those under way have ended, the error of the first item is raised.
    Ctrl-C waits for none of them.
    """
    todo: queue.SimpleQueue[tuple[int, Item]] = queue.SimpleQueue()
    for numbered in enumerate(items):
        todo.put(numbered)
    count = todo.qsize()
    done: dict[int, Result] = {}
    failed: dict[int, BaseException] = {}
    is_over = threading.Event()

    def call() -> None:
        while not is_over.is_set():
            try:
                place, item = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done[place] = work(item)
            except BaseException as error:  # noqa: BLE001 - raised where the results are awaited
                failed[place] = error
                is_over.set()

    callers = [threading.Thread(target=call, daemon=True) for _ in range(min(threads, count))]
    try:
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    finally:
        is_over.set()
    if failed:
        raise failed[min(failed)]
    return [done[place] for place in range(count)]
