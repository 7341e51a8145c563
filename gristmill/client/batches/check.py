"""What must hold before a batch starts: its code, its options, its price."""

from collections.abc import Sequence

from gristmill.client.batches.expand import PlannedItem
from gristmill.client.batches.plan import BatchPlan, Planner
from gristmill.client.batches.start import BatchOptions, files_of
from gristmill.client.push.folder import Named
from gristmill.client.stack import Stack
from gristmill.code.source import Source, find_source
from gristmill.cost.bill import dollars
from gristmill.errors import Refused
from gristmill.pipeline.tags import batch_faults, tag_faults
from gristmill.steps.split.preparing import find_code


def find_code_of(stack: Stack, meant: Named) -> Source:
    """Return the code that all items run by: a folder's, or what the stack has; Refused where there is none."""
    if meant.folder:
        return find_source(meant.name, meant.roots)
    found, faults = find_code(stack.store, meant.name, None, meant.roots)
    if found is None:
        raise Refused(faults)
    return found


def check_options(options: BatchOptions) -> None:
    """Refuse tags and names that no run may have."""
    faults = tag_faults(options.tags) + (batch_faults(options.name) if options.name else [])
    if faults:
        raise Refused(faults)


def plan_within(stack: Stack, source: Source, items: Sequence[PlannedItem], options: BatchOptions) -> BatchPlan:
    """Return the items, checked and priced; Refused where they may cost more than the options allow."""
    made = Planner(source, options.owner, stack.limits, stack.store, files_of(items)).plan(items, options.at_once)
    if options.max_cost is not None and made.dollars > options.max_cost:
        why = f"the batch is expected to cost {dollars(made.dollars)}, and may cost {dollars(options.max_cost)}"
        raise Refused([why], "Nothing was uploaded. Give fewer files or values, or more with --max-cost.")
    return made
