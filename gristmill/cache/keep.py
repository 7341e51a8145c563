"""Keep what a complete stage has merged, for other runs: the entry points at the very versions that Merge made."""

from collections.abc import Sequence

from gristmill import keys
from gristmill.cache.entry import CachedOutput, Entry
from gristmill.cache.identity import identities
from gristmill.cache.lookup import IDENTITY, find_entry
from gristmill.cache.saved import cost_of
from gristmill.keys import BranchKeys
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.findings import BranchFinding, Counts
from gristmill.runs.locations import branch_keys, frozen
from gristmill.runs.pinned import ObjectVersion, find_published
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage


def keep_entries(store: Storage, record: RunRecord, stage: Stage, found: Sequence[BranchFinding]) -> None:
    """Write an entry of each branch of a stage that was computed whole and has none that can be used.

    The first one stands; one with anything amiss is replaced.
    """
    by_name = {finding.branch: finding for finding in found}
    identity_of = identities(record)
    for branch in stage.branches:
        own = {name: by_name[made.name] for name, made in branch.by_output.items()}
        is_computed = not any(finding.reused or finding.left_out for finding in own.values())
        if branch.name in identity_of and is_computed:
            _keep(store, record, stage, branch, identity_of[branch.name], own)


def _keep(
    store: Storage, record: RunRecord, stage: Stage, branch: Branch, identity: str, found: dict[str, BranchFinding]
) -> None:
    pipeline = frozen(record).name
    key = keys.cached_entry(pipeline, identity)
    seen = store.head(key)
    if seen and find_entry(store, pipeline, branch, identity)[0]:
        return
    made = {name: _output(store, record, stage, finding, identity) for name, finding in found.items()}
    outputs = {name: output for name, output in made.items() if output}
    if len(outputs) < len(made):  # it was made before the cache was asked for, or is another's by now
        return
    entry = Entry(
        identity=identity,
        pipeline=pipeline,
        branch=branch.name,
        run=record.run,
        at=store.clock.utc(),
        outputs=outputs,
        dollars=cost_of(store, _place(record, stage, branch.name), branch, next(iter(found.values()))),
    )
    store.put_over(key, entry.sealed().model_dump_json().encode(), seen)


def _output(
    store: Storage, record: RunRecord, stage: Stage, finding: BranchFinding, identity: str
) -> CachedOutput | None:
    """Return what Merge made of an output; None where it does not say that it is of this identity."""
    published = find_published(store, _place(record, stage, finding.branch))
    made = published.output if published else None
    found = store.head(made.key, made.version) if made else None
    if made is None or found is None or not made.is_same(ObjectVersion.of(found)):
        return None
    if found.metadata.get(IDENTITY) != identity:
        return None
    header = made.read(store, 0, made.size - finding.bytes_out).decode("latin-1")
    counts = Counts(**{name: getattr(finding, name) for name in Counts.model_fields})
    return CachedOutput(object=made, checksum=found.checksum, counts=counts, header=header)


def _place(record: RunRecord, stage: Stage, branch: str) -> BranchKeys:
    return branch_keys(record, stage.name, branch)
