"""The report: figures in keys, times in bins, what is chosen where there is too much, and a page that stays small."""

import json
import re
import threading
import types
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validate

from gristmill import keys
from gristmill.cost.gather import Observation
from gristmill.enums import Breach, CheckVerdict, FigureVerdict, RunStatus
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.summary import RunSummary
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.check import Check
from gristmill.printable import block
from gristmill.report.branches import memory_of, union
from gristmill.report.chart import BARS_MOST, Scale, charts, ticks
from gristmill.report.children import SHOWN, ObservedContainer, shown
from gristmill.report.facts import Facts, ids_to_describe
from gristmill.report.make import make
from gristmill.report.model import Object, Picture, Table, schema
from gristmill.report.page import page
from gristmill.report.pictures import EMBEDDED_MAX, choose
from gristmill.report.pictures import SHOWN as PICTURES_SHOWN
from gristmill.report.tables import COLUMNS, LETTERS, ROWS, delimiter, table
from gristmill.report.timeline import ContainerTimes, bins, steps
from gristmill.report.work import spread
from gristmill.runs.checks import CheckResult
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding, Finding
from gristmill.runs.request import Resume
from gristmill.runs.usage import Footprint, footprints, leave, libraries
from gristmill.storage import ObjectInfo
from gristmill.timebox import NoAnswer, call_with_timeout
from tests.unit.test_containers import CONTAINER, RECORD

START = datetime(2026, 1, 2, tzinfo=UTC)
BRANCH = keys.BranchKeys("r", "s", "b", "0")
PRINT = Footprint(0, 0, 0, 1, 1500, 9000, 4000, 50_000, 3, 0, 100, 200, 10, 20)


def test_a_footprints_figures_lie_in_its_key(store):
    later = replace(PRINT, attempt=10, child=9999)
    for footprint in (later, PRINT):
        leave(store, BRANCH, footprint)
    for began, ended in ((10**16 - 1, 10**16 - 1), (PRINT.ended + 1, PRINT.ended), (0, 1)):
        leave(store, BRANCH, replace(PRINT, job_try=9, began=began, ended=ended))  # no times of any container
    assert list(footprints(store, BRANCH)) == [PRINT, later]
    assert b'"libraries"' in store.read(PRINT.key(BRANCH))


@given(st.lists(st.integers(0, 2**53), min_size=14, max_size=14))
def test_any_figures_come_back_from_a_key(figures):
    figures[:4] = [figure % 100_000 for figure in figures[:4]]
    assert keys.usage_figures(BRANCH.container_usage(figures)) == figures


def test_versions_are_those_that_modules_tell_without_being_asked():
    made = {name: types.ModuleType(name) for name in ("numpy", "numpy.linalg", "json", "mute", "odd")}
    for name in ("numpy", "numpy.linalg", "json"):
        made[name].__version__ = "1.2"
    made["odd"].__version__ = object()
    assert libraries(made) == {"numpy": "1.2"}


@given(
    st.lists(st.tuples(*[st.floats(0, 100)] * 4).map(sorted), max_size=30),
    st.integers(1, 50),
)
def test_bins_count_each_container_in_one_state_at_a_time(times, count):
    counts = bins([ContainerTimes(*container) for container in times], 0, 100, count)
    assert len(counts) == count
    for place, bin_ in enumerate(counts):
        middle = (place + 0.5) * 100 / count
        alive = sum(first <= middle < last for first, _, _, last in times)
        assert bin_.queued + bin_.starting + bin_.running == alive
        assert min(bin_.queued, bin_.starting, bin_.running) >= 0


def test_what_never_started_was_queued_and_what_has_not_stopped_runs_to_the_end():
    first, last = bins([ContainerTimes(0, None, None, None), ContainerTimes(0, 1, None, None)], 0, 10, 2)
    assert (first.queued, first.starting, first.running) == (1, 0, 1)
    assert (last.queued, last.running) == (1, 1)


def test_states_of_a_history_are_paired_and_an_open_one_lasts_until_now():
    def event(kind, name, seconds):
        details = {f"state{kind}EventDetails": {"name": name}}
        return {"type": f"TaskState{kind}", "timestamp": START + timedelta(seconds=seconds), **details}

    history = [event("Entered", "Split", 0), event("Exited", "Split", 2), event("Entered", "Merge", 2)]
    states = steps([*history, event("Entered", "Work", 3)], START + timedelta(seconds=9))
    assert [(state.name, (state.ended - state.began).total_seconds()) for state in states] == [
        ("Split", 2),
        ("Work", 6),
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair))), max_size=20))
def test_covered_time_counts_each_moment_once(spans):
    moments = {from_unix for first, last in spans for from_unix in range(first, last)}
    assert union(spans) == len(moments)


def test_a_spread_is_of_what_there_is():
    assert spread([]) is None
    figures = spread([3, 1, 2])
    assert figures is not None
    assert (figures.count, figures.least, figures.median, figures.most, figures.total) == (3, 1, 2, 3, 6)


@pytest.mark.parametrize("seconds", [0.0004, 0.3, 3, 4.5, 59, 600, 86_400, 30 * 86_400])
def test_ticks_are_few_and_begin_at_nothing(seconds):
    labels = list(ticks(Scale(START, START + timedelta(seconds=seconds))))
    assert 2 <= len(labels) <= 12
    assert labels[0][1] == "0"
    assert len({text for _, text in labels}) == len(labels)


def container(number, **more):
    return replace(CONTAINER, job_id=f"j:{number}", index=number, created=0.0, started=1.0, stopped=9.0, **more)


def test_of_many_containers_the_failed_and_the_slow_are_shown():
    many = [ObservedContainer(container(number), PRINT, {}) for number in range(5000)]
    many[4000] = ObservedContainer(container(4000, status="FAILED", reason="why"), None, {})
    many[3000] = ObservedContainer(replace(container(3000), stopped=99.0), PRINT, {})
    listed = shown(many)
    assert len(listed) == SHOWN
    assert [child.index for child in listed[:2]] == [4000, 3000]
    assert [child.index for child in shown(many[:10])] == list(range(10))


def test_tries_of_batch_are_told_with_their_causes():
    host = {"startedAt": 1000, "stoppedAt": 2000, "statusReason": "Host EC2 (i-1) terminated.", "container": {}}
    end = {"startedAt": 3000, "stoppedAt": 9000, "container": {"exitCode": 0}}
    (child,) = shown([ObservedContainer(container(0), replace(PRINT, job_try=2), {"attempts": [host, end]})])
    assert [(attempt.exit_code, attempt.reason) for attempt in child.tries] == [
        (None, "Host EC2 (i-1) terminated."),
        (0, ""),
    ]


def test_a_footprint_of_an_earlier_try_says_nothing_of_when_the_last_one_began():
    assert ObservedContainer(replace(CONTAINER, started=20.0), PRINT, {}).began is None
    assert ObservedContainer(replace(CONTAINER, started=1.0), PRINT, {}).began == 1.5
    assert ObservedContainer(replace(CONTAINER, started=2.0), PRINT, {}).began == 2.0  # two clocks


def test_a_closer_look_is_taken_at_few():
    many = [container(number, status="FAILED") for number in range(5000)]
    assert len(ids_to_describe(many, {})) == 400
    fine = [container(number) for number in range(5000)]
    again = {("map", "repeat", 0, 0, 7): replace(PRINT, job_try=2)}
    assert ids_to_describe(fine, again) == ["j:4999", "j:7"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3_000_000)), max_size=80))
def test_pictures_of_a_page_are_few_and_small_together(made):
    found = [ObjectInfo(f"{folder}/{number:03d}.png", size, "") for number, (folder, size) in enumerate(made)]
    chosen = choose(found)
    sizes = {result.key: result.size for result in found}
    assert len(set(chosen)) == len(chosen) <= PICTURES_SHOWN
    assert sum(sizes[key] for key in chosen) <= EMBEDDED_MAX
    if found and min(sizes.values()) * PICTURES_SHOWN < EMBEDDED_MAX and all(size < 200_000 for size in sizes.values()):
        assert {key[0] for key in chosen} == {key[0] for key in sizes}


def test_work_that_is_overdue_or_refused_by_aws_is_told():
    assert call_with_timeout(5, lambda: 3) == 3
    with pytest.raises(NoAnswer, match="it took more than"):
        call_with_timeout(0.01, threading.Event().wait)

    def refused():
        raise ClientError({"Error": {"Code": "Throttling"}}, "ListJobs")

    with pytest.raises(NoAnswer, match="Throttling"):
        call_with_timeout(5, refused)
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(5, lambda: 1 / 0)


def facts(children=0, reason="", **more):
    """Return the facts of a failed run with so many containers, whose texts are all `reason`."""
    failure = Failure(
        stage="map", branch="repeat", task=1, attempt=0, reason=reason, detail=reason, exit_code=1, job_id="j",
        log_stream="l", at=START,
    )  # fmt: skip
    checks = [
        Check.model_construct(of="repeat", figure=name, maximum=1.0, message=reason or "m", otherwise=Breach.FAIL)
        for name in ("later", "now")
    ]
    found = BranchFinding(
        branch="repeat", tasks=2, done=1, records_in=1, records_out=1, bytes_in=1, bytes_out=1, output=None,
        failures=[failure] * 5, missing=1, problem=reason,
        checks=[CheckResult(check=checks[1], value=None, verdict=FigureVerdict.FAILED, problem=reason)],
    )  # fmt: skip
    finding = Finding(
        run=RECORD.run, stage="map", attempt=0, verdict=CheckVerdict.FAILED, reason=reason, branches=[found],
        warnings=[reason],
    )  # fmt: skip
    summary = RunSummary(
        status=RunStatus.FAILED, run=RECORD.run, pipeline="strings", name=reason or "x", owner=reason, input_size=1,
        bucket="b", started_at=START, ended_at=START + timedelta(seconds=60), reason=reason, findings=[finding],
        results=[ObjectInfo(f"results/{reason}", 1, "")] * 1000,
    )  # fmt: skip
    at = START.timestamp()
    many = [
        replace(container(number), created=at, started=at + 1, stopped=at + 9, reason=reason, status="FAILED")
        for number in range(children)
    ]
    left = {(container.stage, container.branch, 0, 0, container.index): PRINT for container in many}
    event = ExecutionEvent(RunStatus.FAILED, "arn:execution", Resume(run="0" * 16, fence=1), START, reason)
    objects = [Object(key=f"results/{reason}", size=1, etag=reason)] * 500
    given = {"findings": {"map": [finding] * 60}, "seen": Observation([], many), "footprints": left, "results": objects}
    assert RECORD.pipeline is not None
    pipeline = RECORD.pipeline.model_copy(update={"checks": checks})
    return Facts(summary, event, RECORD.model_copy(update={"pipeline": pipeline}), **given, **more)


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, made):
        super().__init__()
        self.counts, self.events, self.texts, self.links = Counter(), [], [], []
        self.feed(made)

    @property
    def names(self):
        return set(self.counts)

    def handle_starttag(self, tag, attrs):
        self.counts[tag] += 1
        self.events += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.texts.append(data)


def test_checks_are_told_in_the_pipelines_order_and_those_not_reached_as_such():
    report = make(facts(1, "why"), [])
    assert [(entry.stage, entry.check.figure, entry.verdict, entry.problem) for entry in report.checks] == [
        ("map", "later", None, ""),
        ("map", "now", "FAILED", "why"),
    ]
    made = page(report, {})
    assert ">not checked<" in made
    assert "at most 1<small>else fail</small>" in made
    validate(json.loads(report.model_dump_json()), schema())


def labels(made):
    """Yield the heading and the label of each cell of tables that have headings."""
    for part in re.findall(r"<table>(.*?)</table>", made, re.S):
        heads, *rows = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.S)
        headings = re.findall(r"<th[^>]*>(.*?)</th>", heads, re.S)
        if 'class="heads"' not in part:
            continue
        for row in rows:
            cells = re.findall(r"<t[dh]([^>]*)>", row)
            if "colspan" not in row:
                yield from zip(headings, cells, strict=True)


HOSTILE = """</title></style></svg><script>alert(1)</script><img src=x onerror='a()'>"'&{{7*7}}{% raw %}\x00\u202e"""


def test_no_text_becomes_markup_wherever_it_comes_from():
    table = Table(key=HOSTILE, rows=[[HOSTILE, HOSTILE]], more_rows=True, more_columns=True)
    report = make(facts(3, HOSTILE), [Picture(key=HOSTILE, size=1, embedded=True)], [HOSTILE], [table])
    made = page(report, {HOSTILE: "data:image/png;base64,AA=="})
    elements, texts = Elements(made), [text for text in Elements(made).texts if "alert(1)" in text]
    assert elements.names.isdisjoint({"script", "link", "iframe", "object"})
    assert all(re.fullmatch(r"\./[A-Za-z0-9_.~/%-]+", link) for link in elements.links)
    assert elements.links
    assert elements.counts["img"] == elements.counts["style"] == 1
    assert elements.events == []
    assert len(texts) > 20
    assert all(block(HOSTILE) in text for text in texts)


def test_a_cell_is_labelled_as_its_column_is_for_where_rows_are_stacked():
    found = [pair for pair in labels(page(make(facts(3, "why"), []), {})) if "scope" not in pair[1]]
    assert len(found) > 40
    assert [pair for pair in found if f'data-label="{pair[0]}"' not in pair[1]] == []


def test_a_branch_that_was_never_begun_counts_nothing():
    made = page(make(replace(facts(), findings={}), []), {})
    assert made.count("not begun") == 2
    assert "of 0<" not in made


@pytest.mark.parametrize(
    ("key", "text", "rows", "more"),
    [
        ("a.csv", 'a,b\n1,"2\n3"\n', [["a", "b"], ["1", "2\n3"]], (False, False)),
        ("a.TSV", "a\tb\n1,1\t2\n", [["a", "b"], ["1,1", "2"]], (False, False)),
        ("a.csv", "n\n" * 50, [["n"]] * ROWS, (True, False)),
        ("a.csv", ",".join("n" * 20) + "\n", [["n"] * COLUMNS], (False, True)),
        ("a.csv", "x" * 500 + "\n", [["x" * LETTERS + "…"]], (False, False)),
        ("a.csv", "\ufeffa,b\n", [["a", "b"]], (False, False)),
        ("a.csv", "", None, None),
        ("a.csv", "PAR1\0\0", None, None),
    ],
)
def test_the_first_rows_of_a_table(key, text, rows, more):
    found = table(key, len(text.encode()), text.encode())
    assert (found and found.rows) == rows
    assert found is None or (found.more_rows, found.more_columns) == more


def test_a_row_that_was_not_read_whole_is_not_shown():
    found = table("a.csv", 10**9, b"a,b\n1,2\n3,")
    assert found is not None
    assert found.rows == [["a", "b"], ["1", "2"]]
    assert [delimiter(key) for key in ("x.txt", "x.csv.gz", "csv")] == [None] * 3


def test_a_report_is_as_large_for_ten_thousand_containers_as_for_hundreds():
    pages = {count: page(make(facts(count, "why"), []), {}) for count in (500, 10_000)}
    assert len(pages[10_000]) < 1.1 * len(pages[500]) < 600_000
    raw = make(facts(10_000, "why"), []).model_dump_json()
    assert len(raw) < 2_000_000


def test_few_containers_get_a_bar_each_and_many_a_curve():
    few, many = (charts(make(facts(count), []))[0] for count in (BARS_MOST, BARS_MOST + 1))
    assert len([bar for bar in few.bars if bar.kind == "failed"]) == BARS_MOST
    assert few.areas == []
    assert [area.kind for area in many.areas] == ["queued", "starting", "running"]
    assert [label.text for label in many.peaks] == [str(BARS_MOST + 1)]


def test_the_schema_is_of_what_is_written():
    made = schema()
    Draft202012Validator.check_schema(made)
    report = make(facts(2), [])
    validate(json.loads(report.model_dump_json()), made)
    assert made["additionalProperties"] is False


def test_memory_is_what_containers_had_not_the_largest_step():
    branch = Branch(name="b", run="jobs:b", memory=["4GB", "8GB", "16GB"])
    first, second, third = branch.memories
    jobs = [
        {"container": {"resourceRequirements": [{"type": kind, "value": str(size)} for kind, size in needs]}}
        for needs in ([("VCPU", 99_999), ("MEMORY", first)], [("MEMORY", second)])
    ]
    assert [memory_of(branch, seen) for seen in ([], [{}], jobs[:1], jobs)] == [first, first, first, second]
    assert third not in (first, second)
