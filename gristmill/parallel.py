"""Several calls at once, which Ctrl-C does not wait for."""

import queue
import threading
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(items: Collection[Item], call: Callable[[Item], Result], threads: int) -> Iterator[Result]:
    """Yield what the calls return, as they do; raise what one raises, after which no more are made."""
    todo: queue.SimpleQueue[Item] = queue.SimpleQueue()
    done: queue.SimpleQueue[Result | Exception] = queue.SimpleQueue()
    for item in items:
        todo.put(item)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            try:
                item = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(call(item))
            except Exception as error:  # noqa: BLE001 - raised where the results are awaited
                done.put(error)

    for _ in range(min(threads, len(items))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in range(len(items)):
            result = done.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        is_over.set()
