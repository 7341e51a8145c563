"""The comparison page of a batch, of what stands in the bucket."""

from collections.abc import Iterator
from datetime import datetime
from math import isfinite

from gristmill import humanize
from gristmill.client.batches.look import BatchLook, ItemLook
from gristmill.client.batches.results import batch_results
from gristmill.client.stack import Stack
from gristmill.cost.bill import dollars
from gristmill.report.comparison import Cell, Comparison, ItemRow, comparison_page
from gristmill.report.pictures import load
from gristmill.runs.usage import software

_READABLE = "STANDARD"  # what is archived cannot be read


def make_page(stack: Stack, look: BatchLook, now: datetime) -> str:
    """Return the page; pictures are chosen evenly from all items, as many as a page holds."""
    found = [(item, result) for item, result in batch_results(stack, look) if result.storage == _READABLE]
    names = {result.key: (item.n, result.name) for item, result in found}
    heads = [head for head in stack.store.together(stack.store.head, list(names)) if head]
    pictures = load(stack.store, heads)
    of_item: dict[int, dict[str, str]] = {}
    for key, uri in pictures.embedded.items():
        number, name = names[key]
        of_item.setdefault(number, {})[name] = uri
    record = look.record
    figures = look.figures
    return comparison_page(
        Comparison(
            title=f"{record.dropped.pipeline}/{record.dropped.name}",
            run=record.run,
            owner=record.owner,
            counts=look.counts,
            facts=[("Items", f"{len(look.items):,}"), ("Cost", dollars(look.cost)), *_spans(look)],
            columns=["Item", *look.varied, "Status", "Cost", "Took", *figures],
            rows=[
                ItemRow(each.name, each.status, list(_cells(look, each)), of_item.get(each.n, {}))
                for each in look.items
            ],
            left_out=pictures.left_out,
            made=now,
            made_by=software().gristmill,
        )
    )


def _spans(look: BatchLook) -> list[tuple[str, str]]:
    took = [item.seconds for item in look.items if item.seconds is not None]
    return [("Longest item", humanize.brief(max(took)))] if took else []


def _cells(look: BatchLook, item: ItemLook) -> Iterator[Cell]:
    yield Cell(item.name, item.n)
    for name in look.varied:
        text = item.parameters.get(name)
        yield Cell("default" if text is None else text, _sorted(text), is_number=isinstance(_sorted(text), float))
    status = str(item.status or "not begun")
    yield Cell(status, status, below=item.reason)
    yield Cell("–" if item.cost is None else dollars(item.cost), item.cost, is_number=True)
    yield Cell("–" if item.seconds is None else humanize.brief(item.seconds), item.seconds, is_number=True)
    for name in look.figures:
        value = item.figures.get(name)
        yield Cell("–" if value is None else f"{value:.6g}", value, is_number=True)


def _sorted(text: str | None) -> float | str | None:
    try:
        number = float(text or "")
    except ValueError:
        return text
    return number if isfinite(number) else text
