"""Branches that name a container, on a stack whose jobs are processes of one machine. Pure."""

from collections.abc import Mapping

from gristmill.pipeline.model import Pipeline
from gristmill.runs.code import Registered
from gristmill.runs.records import NO_IMAGE, RunRecord

_HOW = "with containers: gristmill local up --containers, then deploy and push again"


def uncontained(pipeline: Pipeline, definitions: Mapping[str, Registered]) -> list[str]:
    """Return what to tell of each branch whose container is not used."""
    return [
        f"branch {branch.name} names a container, and jobs of this stack are processes of one machine: they use its "
        f"own programs ({_HOW})"
        for branch in pipeline.branches
        if branch.container and branch.name in definitions and definitions[branch.name].image == NO_IMAGE
    ]


def uncontained_of(record: RunRecord) -> list[str]:
    """Return the same of a run."""
    return uncontained(record.pipeline, record.code.definitions) if record.pipeline and record.code else []
