"""Keys: what lies where, and that no name of a stage or branch can be taken for a part of one."""

import re
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.pipeline.branch import Branch
from gristmill.runs.repository import finding_keys
from gristmill.storage.folder import FolderStorage
from tests.keyspace import RUN, every_key
from tests.reach import witness
from tests.unit.test_containers import RECORD

NAME = re.compile(next(part.pattern for part in Branch.model_fields["name"].metadata if getattr(part, "pattern", None)))


def test_every_word_of_a_key_behind_the_run_is_reserved():
    behind = [key.partition(f"{RUN}/")[2] for key in every_key() if key.startswith((keys.RUNS, keys.WORK))]
    words = {word for key in behind for word in key.split("/") if NAME.match(word) and not word.endswith("-")}
    assert words - keys.RESERVED == set()
    assert {"segments", "receipts", "mpi", "own", "outcomes"} <= words


def test_a_branch_that_is_called_as_findings_begin_brings_none_of_its_own(tmp_path: Path):
    store = FolderStorage(tmp_path, tmp_path / "file", "inputs/file")
    branch = keys.BranchKeys(RUN, "map", "check-0000-0001", "0" * 16)
    for key in (branch.tasks(1), branch.merged, keys.check(RUN, "map", 1), f"{keys.checks(RUN, 'map')}zzzz.json"):
        store.put(key, b"{}")
    for generation in (0, 1):
        record = RECORD.model_copy(update={"run": RUN, "generation": generation})
        expected = [keys.check(RUN, "map", 1)] if generation == 0 else []
        assert finding_keys(store, record, "map") == expected


@pytest.mark.parametrize(
    ("wanted", "unwanted", "found"),
    [
        # what a job could once write, and who reads it
        (["runs/*/receipts/*", "runs/R/map/check-*"], [], "runs/R/map/check-/receipts/"),
        (["work/*/receipts/*", "runs/*"], [], None),
        (["a*c", "ab?"], [], "abc"),
        (["a*c", "ab?"], ["?b*"], None),
        (["work/*/mpi/*"], ["work/????/mpi/*"], "work//mpi/"),
        (["*"], ["*"], None),
    ],
)
def test_what_patterns_have_in_common(wanted: list[str], unwanted: list[str], found: str | None):
    assert witness(wanted, unwanted) == found
