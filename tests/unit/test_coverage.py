"""The cover: of any committed segments, each task's output is taken once, and what is missing is told."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from gristmill.keys import Span
from gristmill.runs.coverage import Committed, cover

TASKS = 30
SPANS = st.lists(
    st.tuples(st.integers(0, TASKS - 1), st.integers(1, 10)).map(lambda pair: (pair[0], min(pair[0] + pair[1], TASKS))),
    max_size=12,
    unique=True,
)


def segment(first: int, end: int) -> Committed:
    """Return a segment where task i has i + 1 bytes of output."""
    offsets = [0]
    for task in range(first, end):
        offsets.append(offsets[-1] + task + 1)
    shown = array("Q", [1] * (end - first))
    return Committed(f"{first}-{end}", Span(first, end), array("Q", offsets), shown, shown, shown, header="")


@given(SPANS)
def test_each_task_is_covered_once_or_missing_and_in_order(spans):
    held = cover(TASKS, [segment(*span) for span in spans])
    found = [task for part in held.slices for task in range(part.span.first, part.span.end)]
    missing = [task for span in held.missing for task in range(span.first, span.end)]
    assert sorted(found + missing) == list(range(TASKS))
    assert found == sorted(found)
    committed = {task for first, end in spans for task in range(first, end)}
    assert set(found) == committed


@given(SPANS)
def test_a_slice_has_exactly_the_bytes_and_counts_of_its_tasks(spans):
    held = cover(TASKS, [segment(*span) for span in spans])
    for part in held.slices:
        assert part.end - part.start == sum(task + 1 for task in range(part.span.first, part.span.end))
        assert part.records_in == part.records_out == part.span.end - part.span.first
    assert held.size == sum(part.end - part.start for part in held.slices)


@given(SPANS, st.randoms())
def test_the_order_of_the_receipts_changes_nothing(spans, chance):
    shuffled = list(spans)
    chance.shuffle(shuffled)
    assert cover(TASKS, (segment(*span) for span in spans)) == cover(TASKS, [segment(*span) for span in shuffled])


@given(SPANS, st.integers(0, TASKS))
def test_a_cover_of_the_rest_is_the_rest_of_the_tasks(spans, first):
    held = cover(TASKS, [segment(*span) for span in spans], first)
    found = {task for part in held.slices for task in range(part.span.first, part.span.end)}
    assert found == {task for start, end in spans for task in range(start, end) if task >= first}
