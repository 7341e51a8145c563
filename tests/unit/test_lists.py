"""Lists of values: byte for byte as they were given, or refused; and variables of a branch's own."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.errors import Refused
from gristmill.pipeline.lists import as_given
from gristmill.pipeline.loading import load, read
from gristmill.pipeline.metadata import encode
from gristmill.pipeline.parameters import resolve
from gristmill.pipeline.placeholders import as_text, fill_all

LISTED = load("listed", [Path("tests/pipelines")])
ITEMS = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1)
OF = "a list says what its items are: of: integer, number, string or boolean"
HEAD = "version: 1\nname: mine\ndescription: d\n"
STAGES = "stages: [{name: one, split: {records: whole}, branches: [{name: a, %s}]}]\n"


def resolved(**texts: str):
    return resolve(LISTED, {name: encode(text) for name, text in texts.items()})


@given(st.lists(ITEMS, max_size=5))
def test_any_texts_pass_as_a_json_array(items):
    values, faults = resolved(words=json.dumps(items))
    assert (values["words"], faults) == (items, [])
    assert fill_all(["a", "{params.words}"], {"params.words": values["words"]}) == ["a", *items]
    assert as_text(items).split("\n") == (items or [""])


@given(st.lists(ITEMS.filter(lambda item: "," not in item), min_size=1, max_size=5))
def test_texts_without_commas_pass_with_commas_between_or_are_refused(items):
    text = ",".join(items)
    values, faults = resolved(words=text)
    if text.strip() and not text.strip().startswith("["):
        assert (values["words"], faults) == (items, [])
    else:
        assert faults or values["words"] == json.loads(text)


@given(st.lists(ITEMS, max_size=5), st.lists(st.integers(1, 9), max_size=5))
def test_a_list_is_shown_as_it_is_given(words, ks):
    values, faults = resolved(words=as_given(words), ks=as_given(ks))
    assert (values["words"], values["ks"], faults) == (words, ks, [])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2.5, 1e300], "1,2.5,1e+300"),
        (["a, b", "c"], '["a, b", "c"]'),
        (["[x"], '["[x"]'),
        ([" "], '[" "]'),
        ([], "[]"),
        ([True, False], "true,false"),
        (True, "true"),
        (3.0, "3"),
    ],
)
def test_a_value_is_shown_as_it_is_given(value, text):
    assert as_given(value) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1", [1]), ("1,2,5", [1, 2, 5]), (" 1, 2 ", [1, 2]), ("[1, 2]", [1, 2]), ("[]", [])],
)
def test_numbers_pass(text, wanted):
    values, faults = resolved(ks=text)
    assert (values["ks"], faults) == (wanted, [])


WHOLE = "is not a whole number such as 500, of at most 18 digits"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("words", "", "has no items; write [] for an empty list"),
        ("words", " ", "has no items; write [] for an empty list"),
        ("words", "a,,b", "item 2: is empty, and programs could not tell it from none; leave it out"),
        ("words", '["a\\nb"]', "item 1: has a line end, and programs get the items one a line; leave it out"),
        ("words", '["a\\u0000b"]', "item 1: has a NUL character, which no program can be given; leave it out"),
        ("words", '["\\ud800"]', "'\\ud800', its item 1, has a lone surrogate, which is no text"),
        ("words", "[a", 'begins with [ and is no JSON array (Expecting value); write it as a JSON array, such as '
         '["a, b", "c"]'),
        ("words", "a,b,c,d,e,f", "it has 6 items, and at most 5 are taken"),
        ("ks", "1,x", f"'x', its item 2, {WHOLE}"),
        ("ks", "1,", f"'', its item 2, {WHOLE}"),
        ("ks", '["1"]', f'"1", its item 1, {WHOLE}'),
        ("ks", "[1.0]", f"1.0, its item 1, {WHOLE}"),
        ("ks", "[true]", f"true, its item 1, {WHOLE}"),
        ("ks", "[[1]]", None),
        ("ks", "[NaN]", f"NaN, its item 1, {WHOLE}"),
        ("ks", "3,0", "item 2: 0 is below the minimum 1"),
        ("ks", "[" * 100_000, "begins with [ and is no JSON array (nested too deep)"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_with_what_and_how_to_mend(name, text, fault):
    (found,) = resolved(**{name: text})[1]
    assert found.startswith(f"parameter {name}: {fault or ''}")


def faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "mine" / "pipeline.yaml"
    file.parent.mkdir()
    file.write_text(HEAD + text, encoding="utf-8")
    try:
        read(file)
    except Refused as refused:
        return [fault.split(": ", 2)[1] + ": " + fault.split(": ", 2)[2] for fault in refused.faults]
    return []


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        ("type: list, of: string, choices: [a, b], default: [a]", ""),
        ("type: list", f"parameters.k.of: {OF}"),
        ("type: list, of: list", f"parameters.k.of: {OF}"),
        ("type: string, of: string", "parameters.k.of: is for a list, not for a parameter of the type string"),
        ("type: string, max_items: 3", "parameters.k.max_items: is for a list, not for a parameter of the type string"),
        ("type: list, of: string, minimum: 1",
         "parameters.k: minimum and maximum are for integers and numbers, not for a string"),
        ("type: list, of: integer, default: 3", "parameters.k.default: 3 is not a list"),
        ("type: list, of: integer, default: [a]", "parameters.k.default: item 1: 'a' is not of the type integer"),
        ("type: list, of: string, choices: [a], default: [b]", "parameters.k.default: item 1: 'b' is none of a"),
    ],
)  # fmt: skip
def test_a_list_that_is_declared_amiss_is_refused(tmp_path, declared, fault):
    stages = STAGES % 'run: "jobs:a"'
    text = f"parameters: {{k: {{{declared}, description: d}}}}\n{stages}"
    assert faults(tmp_path, text) == ([fault] if fault else [])


PARAMETERS = (
    "parameters: {k: {type: list, of: integer, description: d, default: [1]}, bare: {type: integer, description: d}}\n"
)
OWN = (
    "is Gristmill's own, as all that begin with AWS_, GRISTMILL_, PARAM_, INPUT_, OUTPUT_, and BUCKET, GPUS, INPUT, "
    "ITEM, MEMORY, OUTPUT, PIPELINE, RUN, TASK, VCPUS; choose another name"
)


@pytest.mark.parametrize(
    ("branch", "fault"),
    [
        ('run: "jobs:a", env: {OMP_NUM_THREADS: "{vcpus}", x: "{run} {memory} {gpus} {pipeline} {{}}"}', ""),
        ('command: [x, "{output}", "{params.k}", "{vcpus}"]', ""),
        ('command: [x, "{output}", "-k={params.k}"]',
         "command: '-k={params.k}': {params.k} is a list: give it a word of its own; each item becomes a word"),
        *((f'run: "jobs:a", env: {{{name}: x}}', f"env.{name}: {OWN}")
          for name in ("AWS_REGION", "aws_region", "GRISTMILL_HOME", "PARAM_K", "INPUT", "BUCKET", "VCPUS")),
        ('run: "jobs:a", env: {A-B: x}',
         "env.A-B: must have a name of letters, digits and underscores, with no digit first"),
        ('run: "jobs:a", env: {A: "{task}"}',
         "env.A: {task} is unknown here; there are: {run}, {pipeline}, {vcpus}, {memory}, {gpus}, {params.k}, "
         "{params.bare}"),
        ('run: "jobs:a", env: {A: "{params.k}"}',
         "env.A: {params.k} is a list: programs find it in PARAM_K, an item a line"),
        ('run: "jobs:a", env: {A: "{params.bare}"}',
         "env.A: {params.bare} may be absent from a run: give the parameter a default"),
        ('run: "jobs:a", env: {A: "{"}',
         "env.A: '{': Single '{' encountered in format string; write {{ and }} for braces"),
        ('run: "jobs:a", env: {A: "x\\0"}', "env.A: has a NUL character, which no program can be given; leave it out"),
        ('run: "jobs:a", env: {A: 1}', "env.A: must be text, not 1; in quotes it is text"),
    ],
)  # fmt: skip
def test_variables_are_refused_with_what_where_and_how_to_mend(tmp_path, branch, fault):
    found = faults(tmp_path, PARAMETERS + STAGES % branch)
    assert [line.removeprefix("stages.0.branches.0.") for line in found] == ([fault] if fault else [])
