"""A batch is checked and priced, item by item as its Split would, before anything is uploaded."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gristmill.client.batches import plan as planning
from gristmill.client.batches.expand import Row, expand
from gristmill.client.batches.plan import BatchPlan, Planner
from gristmill.client.batches.read import read_items
from gristmill.client.batches.start import files_of
from gristmill.client.pipelines import pipeline_folders
from gristmill.code.source import find_source
from gristmill.cost.span import Span, span_of
from gristmill.enums import Compute
from gristmill.errors import Refused
from gristmill.steps.split.claimant import RunLimits
from gristmill.storage.one_file import OneFileStorage

SOURCE = find_source("strings", pipeline_folders()[:1])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for name in "abc":
        Path(f"data/{name}.txt").write_text("grain\n" * 100)
    return tmp_path


def planned(
    texts: Sequence[str], params: dict[str, str], at_once: int = 20, max_cost: float | None = None
) -> BatchPlan:
    items = read_items(SOURCE.pipeline, texts, None, params, {})
    granted = RunLimits({Compute.CPU: 64.0}, max_cost=max_cost)
    planner = Planner(SOURCE, "miller", granted, OneFileStorage(None, "", {}), files_of(items))
    return planner.plan(items, at_once)


@pytest.mark.usefixtures("files")
def test_every_item_is_priced_and_a_file_is_read_once_for_each_way_that_it_is_cut(monkeypatch: pytest.MonkeyPatch):
    cut = []
    real = planning.ensure_index
    monkeypatch.setattr(planning, "ensure_index", lambda *given: cut.append(given[1].input.key) or real(*given))
    plan = planned(["data/*.txt"], {"lines_per_task": "10,20..30..10"})
    assert [priced.item.name for priced in plan.items[:3]] == [f"a-lines_per_task={k}" for k in (10, 20, 30)]
    assert len(plan.items) == len(cut) == 9
    assert plan.dollars == pytest.approx(sum(priced.bill.total for priced in plan.items))
    assert all(priced.bill.total > 0 for priced in plan.items)
    one_by_one, together = planned(["data/*.txt"], {}, 1).seconds, planned(["data/*.txt"], {}, 3).seconds
    assert one_by_one == pytest.approx(3 * together)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("texts", "params", "fault"),
    [
        (["none/*.txt"], {}, "none/*.txt matches no file"),
        (["data"], {}, "data is a folder; name its files: 'data/*'"),
        (["gone.txt"], {}, "gone.txt is no file"),
        (["uploads/1/gone.txt"], {}, "uploads/1/gone.txt: input: uploads/1/gone.txt does not exist"),
        (["data/a.txt"], {"lines_per_tusk": "1"}, "strings has no such parameter (it has: lines_per_task, "),
        (["data/a.txt"], {"lines_per_task": "0..2"}, "data/a.txt with lines_per_task=0: parameter lines_per_task: "),
        (["data/a.txt"], {"lines_per_task": "1,x"}, "'x' is not a whole number"),
        (["data/a.txt", "data/?.txt"], {}, "data/a.txt: the same item as data/a.txt"),
        (["data/a.txt"], {"lines_per_task": "1,+1"}, "the same item as data/a.txt with lines_per_task=1"),
        (["data/a.txt"], {"max-cost": "1"}, "parameter max-cost is reserved"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_with_the_item_and_the_mend(texts: list[str], params: dict[str, str], fault: str):
    with pytest.raises(Refused) as refused:
        planned(texts, params)
    assert fault in str(refused.value)


@pytest.mark.usefixtures("files")
def test_an_item_above_the_ceiling_of_the_stack_is_refused():
    with pytest.raises(Refused, match=r"data/a.txt: the run would cost about .*, and its ceiling is"):
        planned(["data/a.txt"], {}, max_cost=0.00001)


@pytest.mark.usefixtures("files")
def test_a_file_that_several_items_have_is_uploaded_once():
    items = expand([Row("", Path("data/a.txt"), {"other": Path("data/b.txt")})], {"lines_per_task": ["1", "2", "3"]})
    assert list(files_of(items).values()) == [Path("data/a.txt"), Path("data/b.txt")]


def test_spans_add_up_by_kind():
    both = Span(1, {Compute.CPU: 2}) + Span(3, {Compute.GPU: 4})
    assert both == Span(4, {Compute.CPU: 2, Compute.GPU: 4})
    assert span_of(SOURCE.pipeline, {"lines_per_task": 10}, planning.StageInput(10, 1000, 100), {}).seconds > 30
