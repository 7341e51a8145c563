"""Figures that a branch writes, and the bounds that a pipeline sets them: read strictly, decided plainly."""

import copy
import json
import math
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.enums import Breach, CheckVerdict, FigureVerdict
from gristmill.errors import Refused
from gristmill.limits import CHECKS_MAX, FIGURES_MAX
from gristmill.pipeline.check import Check
from gristmill.pipeline.schema import schema
from gristmill.report.make import checks
from gristmill.runs.checks import CheckResult
from gristmill.steps.check_output.figures import check_figures
from gristmill.steps.check_output.verdict import judge
from tests.unit.test_pipeline import GOOD, load
from tests.unit.test_verdict import STAGE, finding

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
MOST = Check(of="copied", figure="x", maximum=1, message="Too much.")
WARN = MOST.model_copy(update={"otherwise": Breach.WARN})


def decide(check: Check, raw: bytes) -> CheckResult:
    (result,) = check_figures([check], raw)
    assert CheckResult.model_validate_json(result.model_dump_json()) == result
    return result


@pytest.mark.parametrize(
    ("check", "raw", "verdict", "headline"),
    [
        (MOST, '{"x": 1}', FigureVerdict.PASSED, "copied: x is 1 (at most 1)"),
        (MOST, '{"x": 1.0}', FigureVerdict.PASSED, "copied: x is 1 (at most 1)"),
        (MOST, '{"x": 1.0000000000000002}', FigureVerdict.FAILED,
         "copied: x is 1.0000000000000002, and must be at most 1: Too much."),
        (WARN, '{"x": 2}', FigureVerdict.WARNED, "copied: x is 2, and must be at most 1: Too much."),
        (Check(of="a", figure="b.c", minimum=-1, maximum=0.5, message="m"), '{"b": {"c": 0.25}}', FigureVerdict.PASSED,
         "a: b.c is 0.25 (at least -1 and at most 0.5)"),
        (Check(of="a", figure="b", equals=0, message="two\n lines"), '{"b": 3}', FigureVerdict.FAILED,
         "a: b is 3, and must be exactly 0: two lines"),
        (Check(of="a", figure="b", equals=2**53, message="m"), f'{{"b": {2**53 + 1}}}', FigureVerdict.FAILED,
         "a: b is 9007199254740993, and must be exactly 9007199254740992: m"),
    ],
)  # fmt: skip
def test_a_figure_is_held_to_its_bounds(check, raw, verdict, headline):
    result = decide(check, raw.encode())
    assert (result.verdict, result.headline) == (verdict, headline)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "the branch wrote nothing"),
        (b" \n", "the branch wrote nothing"),
        (b"{}", "the branch wrote no x; it wrote: nothing"),
        (b'{"y": 1, "X": 2}', "the branch wrote no x; it wrote: y, X"),
        (b'{"x": "1"}', "it is a text, not a number"),
        (b'{"x": true}', "it is true or false, not a number"),
        (b'{"x": null}', "it is null, not a number"),
        (b'{"x": [0]}', "it is a list, not a number"),
        (b'{"x": {"x": 0}}', "it is an object, not a number"),
        (b'{"x": NaN}', "the branch wrote NaN for x, which is no number"),
        (b'{"x": -Infinity}', "the branch wrote -Infinity for x, which is no number"),
        (b'{"x": 0, "z": {"y": [[1, NaN]]}}', "the branch wrote NaN for y, which is no number"),
        (b'{"x": -1e999}', "it is beyond the numbers that can be compared (about 1.8e308)"),
        (b'{"x": -' + b"9" * 399 + b"}", "it is beyond the numbers that can be compared (about 1.8e308)"),
        (b'{"x": -' + b"9" * 5000 + b"}", "it is beyond the numbers that can be compared (about 1.8e308)"),
        (b'{"x": 2, "x": 0}', "the branch wrote x twice"),
        (b'{"x": 0, "a": {"b": 1, "b": 1}}', "the branch wrote b twice"),
        (b'{"x": 0}\n{"x": 0}\n', "the branch wrote more than one JSON object (line 2); sum its figures up in one"),
        (b'[{"x": 0}]', "the branch wrote a list, not one JSON object of figures"),
        (b"0", "the branch wrote a number, not one JSON object of figures"),
        (b"NaN", "the branch wrote NaN, not one JSON object of figures"),
        (b'{"x": 0', "the branch wrote no JSON: Expecting ',' delimiter (line 1, column 8)"),
        (b'\xef\xbb\xbf{"x": 0}', "the branch wrote a byte order mark before its JSON"),
        (b"x,y\n0,1\n", "the branch wrote no JSON: Expecting value (line 1, column 1)"),
        (b'{"x": 0, "\xff": 1}', "the branch wrote no UTF-8 (byte 10)"),
        ('{"x": 0}'.encode("utf-16"), "the branch wrote no UTF-8 (byte 0)"),
        (b"[" * 60_000, "the branch wrote JSON that is nested too deep"),
        (b'{"x": 0}' + b" " * FIGURES_MAX, "the branch wrote more than the 65,536 bytes that figures may have"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", [MOST, WARN])
def test_what_is_no_figure_fails_its_check_and_is_named(check, raw, problem):
    result = decide(check, raw)
    assert (result.verdict, result.value, result.problem) == (FigureVerdict.FAILED, None, problem)
    assert result.headline == f"copied: x must be at most 1, but {problem}"


def test_a_name_that_steers_a_terminal_is_escaped():
    assert "\\x1b[2J" in decide(MOST, b'{"\\u001b[2J": 1, "\\ud800": 2}').headline


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(Breach))
def test_wider_bounds_never_make_a_verdict_worse(value, bound, other, otherwise):
    """Of two maxima the greater passes whatever the lesser does, and so with minima; only `otherwise` warns."""
    raw = json.dumps({"x": value}).encode()
    for name, order in (("maximum", sorted), ("minimum", lambda pair: sorted(pair, reverse=True))):
        narrow, wide = (
            decide(Check(of="a", figure="x", message="m", otherwise=otherwise, **{name: each}), raw).verdict
            for each in order([bound, other])
        )
        assert FigureVerdict.PASSED in (wide, narrow) or wide is narrow
        assert not (narrow is FigureVerdict.PASSED and wide is not FigureVerdict.PASSED)
        assert {narrow, wide} <= {FigureVerdict.PASSED, FigureVerdict[f"{otherwise.upper()}ED"]}


@given(st.binary(max_size=80) | st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_a_branch_wrote_only_a_finite_number_within_bounds_passes(raw):
    if decide(MOST, raw).verdict is FigureVerdict.PASSED:
        value = json.loads(raw)["x"]
        assert type(value) in (int, float)
        assert math.isfinite(value)
        assert value <= 1


@pytest.mark.parametrize("missing", [0, 1])
def test_a_failed_check_ends_the_run_at_the_first_attempt_and_a_warning_does_not(missing):
    """What was computed stays the same however often it is checked: no attempt is worth its while."""
    for check, verdict in ((MOST, CheckVerdict.FAILED), (WARN, CheckVerdict.COMPLETE)):
        found = finding().model_copy(update={"checks": check_figures([check], b'{"x": 2}')})
        assert judge(STAGE, [found], 1)[0] is verdict
    failed = finding().model_copy(update={"checks": check_figures([MOST], b'{"x": 2}')})
    stage = STAGE.model_copy(update={"branches": STAGE.branches * 2})
    verdict, reason = judge(stage, [failed, finding(missing=missing)], 1)
    assert (verdict, reason) == (CheckVerdict.FAILED, "copied: x is 2, and must be at most 1: Too much.")


CHECK = {"of": "made", "figure": "x", "maximum": 1, "message": "m"}


def pipeline(*checks, records="whole", **branch):
    content = copy.deepcopy(GOOD) | {"checks": list(checks)}
    content["stages"][0]["split"] = {"records": records} | ({"records_per_task": 1} if records == "lines" else {})
    content["stages"][0]["branches"][0] |= branch
    return content


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (pipeline(CHECK | {"maximum": None}), "checks.0: has no bound: give minimum, maximum or both, or equals"),
        (pipeline(CHECK | {"minimum": 2}),
         "checks.0.minimum: 2 is more than the maximum, 1: no figure is within both"),
        (pipeline(CHECK | {"equals": 1}), "checks.0.equals: leaves no room for maximum: give one or the other"),
        (pipeline(CHECK, CHECK | {"of": "maid"}),
         "checks.1.of: there is no branch maid; of those there are, these can write figures: made; did you mean made?"),
        (pipeline(CHECK, records="lines"),
         "checks.0.of: made cannot write figures: each of its tasks writes (records: lines), and figures are one "
         "JSON object; sum them up with merge: module:function, or in a later stage of records: whole"),
        (pipeline(CHECK, output="files"),
         "checks.0.of: made cannot write figures: it makes a file of each task, and figures are one object; "
         "give it merge: module:function, or check a later branch"),
        (pipeline(CHECK | {"maximum": True}), "checks.0.maximum: is no number, but true or false"),
        (pipeline(CHECK | {"maximum": math.nan}), "checks.0.maximum: must be a number, not NaN"),
        (pipeline(CHECK | {"figure": "a..b"}),
         "checks.0.figure: must be a name, or names with dots between, at most 100 characters, not 'a..b'"),
        (pipeline(CHECK | {"message": " "}), "checks.0.message: must be text, 1 to 500 characters, not ' '"),
        (pipeline(CHECK | {"otherwise": "ignore"}), "checks.0.otherwise: must be `fail`, `warn`, not 'ignore'"),
        (pipeline(CHECK | {"maxmum": 1}), "checks.0.maxmum: there is no such field; there are: of, figure, minimum"),
        (pipeline(*[CHECK] * (CHECKS_MAX + 1)), "checks: must be a list of Check, at most 50, not a list of 51"),
    ],
)  # fmt: skip
def test_a_broken_rule_of_a_check_is_told_with_its_line(tmp_path, content, fault):
    with pytest.raises(Refused) as caught:
        load(tmp_path, content)
    (line,) = caught.value.faults
    assert re.fullmatch(rf"2\d: {re.escape(fault)}.*", line.partition("pipeline.yaml:")[2])


@pytest.mark.parametrize("branch", [{}, {"merge": "jobs:join"}, {"output": "files", "merge": "jobs:join"}])
def test_a_branch_of_one_output_writes_figures(tmp_path, branch):
    records = "lines" if branch else "whole"
    made = load(tmp_path, pipeline(CHECK | {"maximum": "1e-3"}, records=records, **branch))
    assert [check.maximum for check in made.checks_of("made")] == [0.001]
    assert made.checks_of("other") == []


@pytest.mark.parametrize(
    ("more", "sound"),
    [
        ({"maximum": 1}, True),
        ({"minimum": 1, "maximum": 2}, True),
        ({"equals": 1}, True),
        ({}, False),
        ({"equals": 1, "minimum": 1}, False),
    ],
)
def test_the_schema_for_editors_wants_bounds(more, sound):
    check = {"of": "made", "figure": "x", "message": "m", **more}
    assert jsonschema.Draft202012Validator(schema()).is_valid(pipeline(check)) is sound


def test_a_check_of_one_of_several_outputs_is_reported_with_its_stage(tmp_path):
    content = copy.deepcopy(GOOD)
    content["stages"][0]["split"] = {"records": "whole"}
    outputs = {"figures": {"suffix": ".json"}, "rest": {}}
    content["stages"][0]["branches"] = [{"name": "made", "run": "jobs:make", "outputs": outputs}]
    content["checks"] = [{"of": "made.figures", "figure": "n", "minimum": 1, "message": "None."}]
    (shown,) = checks(load(tmp_path, content), [])
    assert (shown.stage, shown.check.of, shown.verdict) == (content["stages"][0]["name"], "made.figures", None)
