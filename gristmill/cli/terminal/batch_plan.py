"""The items of a batch, and what they are expected to take, as text and as JSON."""

from typing import TYPE_CHECKING

from gristmill.cli.terminal.show import emit, out, rich
from gristmill.cli.terminal.tables import named, seconds, table

if TYPE_CHECKING:
    from gristmill.client.batches.plan import BatchPlan, Priced
    from gristmill.client.batches.start import BatchOptions

_SHOWN = 20  # items in the table


def show_plan(plan: "BatchPlan", options: "BatchOptions") -> None:
    """Show the first items, and what all of them take."""
    from gristmill.cost.bill import dollars

    rows = [_row(priced) for priced in plan.items[:_SHOWN]]
    rich(table(("N", "ITEM", "INPUT", "PARAMETERS", "COST"), rows, right=("N", "COST")))
    more = len(plan.items) - _SHOWN
    if more > 0:
        out(f"and {more:,} more")
    many = f"{len(plan.items):,} item{'s' if len(plan.items) != 1 else ''}, {options.at_once:,} at once"
    out(f"{many}: about {dollars(plan.dollars)}, and {seconds(plan.seconds)} or longer on AWS.")


def _row(priced: "Priced") -> tuple[str, ...]:
    from gristmill.cost.bill import dollars

    item = priced.item
    return str(item.n), item.name, str(item.row.input), named(item.params), dollars(priced.bill.total)


def emit_plan(plan: "BatchPlan", options: "BatchOptions", **started: str) -> None:
    """Print the plan as JSON; `started` has what is known of the batch by then."""
    items = [
        {
            "n": priced.item.n,
            "name": priced.item.name,
            "input": str(priced.item.row.input),
            "inputs": {name: str(given) for name, given in priced.item.row.inputs.items()},
            "parameters": priced.parameters,
            "estimate": priced.bill.total,
        }
        for priced in plan.items
    ]
    facts = {"pipeline": options.pipeline, "at_once": options.at_once}
    emit({**started, **facts, "estimate": plan.dollars, "seconds": plan.seconds, "items": items})
