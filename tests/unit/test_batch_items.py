"""The items of a batch: values of parameters, manifests, names; all of it pure."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gristmill.batches.items import ItemName
from gristmill.client.batches.expand import Given, PlannedItem, Row, expand
from gristmill.client.batches.manifest import rows_of
from gristmill.client.batches.values import read_values
from gristmill.errors import Refused
from gristmill.limits import BATCH_ITEMS_MAX
from gristmill.pipeline.model import Parameter, Pipeline

INTEGER = Parameter(type="integer", description="")
NUMBER = Parameter(type="number", description="")
TEXT = Parameter(type="string", description="")
LIST = Parameter(type="list", of="integer", description="")
PIPELINE = Pipeline.model_validate(
    {
        "version": 1,
        "name": "p",
        "description": "",
        "inputs": {"reads": {"records": "lines"}, "genome": {"default": "references/g.fa"}},
        "parameters": {"k": {"type": "integer", "description": "a number"}, "m": {"type": "string", "description": ""}},
        "stages": [{"name": "s", "split": {"records": "lines"}, "branches": [{"name": "b", "run": "jobs:f"}]}],
    }
)


@pytest.mark.parametrize(
    ("parameter", "text", "values"),
    [
        (INTEGER, "1,2,5..9", ["1", "2", "5", "6", "7", "8", "9"]),
        (INTEGER, "0..100..40", ["0", "40", "80"]),
        (INTEGER, "-2..1", ["-2", "-1", "0", "1"]),
        (INTEGER, "7..7", ["7"]),
        (NUMBER, "0.1..0.3..0.1, 2e3", ["0.1", "0.2", "0.3", " 2e3"]),
        (TEXT, "5..9,x", ["5..9", "x"]),
        (TEXT, '"a, b",c,"d ""e"""', ["a, b", "c", 'd "e"']),
        (TEXT, "", [""]),
        (LIST, '"1,2","3"', ["1,2", "3"]),
        (LIST, "7", ["7"]),
    ],
)
def test_the_values_that_a_text_lists(parameter: Parameter, text: str, values: list[str]):
    assert read_values("k", parameter, text) == values


@pytest.mark.parametrize(
    ("parameter", "text", "fault"),
    [
        (INTEGER, "9..5", "'9..5' goes nowhere; write the lesser number first, and a step above 0"),
        (INTEGER, "1..9..0", "goes nowhere"),
        (INTEGER, "1..", "'1..' is no range such as 5..9 or 0..100..10"),
        (INTEGER, "1..2..3..4", "is no range"),
        (INTEGER, "0.5..2", "is no range"),
        (NUMBER, "1..2", "'1..2' has no step, and its numbers need one: 1..2..0.1"),
        (INTEGER, "1..999999999999", "has more values than a batch has items (10,000)"),
        (TEXT, '"a', "is no list of values"),
        (LIST, "1,2", "is a list, so that its commas part its items; give each list in quotes: 'k=\"1,2\"'"),
    ],
)
def test_what_lists_no_values_is_refused_with_the_mend(parameter: Parameter, text: str, fault: str):
    with pytest.raises(ValueError, match=r".") as refused:
        read_values("k", parameter, text)
    assert fault in str(refused.value)


@given(st.integers(-(10**6), 10**6), st.integers(0, 50), st.integers(1, 9))
def test_a_range_has_what_it_says_and_its_end_where_a_step_reaches_it(first: int, count: int, step: int):
    text = f"{first}..{first + count}..{step}"
    assert list(map(int, read_values("k", INTEGER, text))) == list(range(first, first + count + 1, step))


def rows(*files: str) -> list[Row]:
    return [Row("", Path(file)) for file in files]


def test_items_are_files_times_values_in_order_each_with_a_name_that_says_what_sets_it_apart():
    items = expand(rows("data/a.txt", "b.txt"), {"k": ["1", "2"], "m": ["x"]})
    assert [(item.n, item.name, dict(item.params)) for item in items] == [
        (1, "a-k=1", {"k": "1", "m": "x"}),
        (2, "a-k=2", {"k": "2", "m": "x"}),
        (3, "b-k=1", {"k": "1", "m": "x"}),
        (4, "b-k=2", {"k": "2", "m": "x"}),
    ]


@settings(max_examples=200)
@given(
    st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), min_size=1),
    st.lists(st.text(max_size=90), min_size=1, max_size=4),
)
def test_names_are_unique_even_where_a_disk_takes_capitals_for_small_letters_and_fit_folders(
    files: list[str], values: list[str]
):
    items = expand(rows(*files), {"m": values})
    names = [TypeAdapter(ItemName).validate_python(item.name) for item in items]
    assert len({name.casefold() for name in names}) == len(items) == len(files) * len(values)
    assert [item.name for item in expand(rows(*files), {"m": values})] == names


def test_too_many_items_are_refused_before_any_is_made():
    with pytest.raises(Refused, match=r"20,000 items \(2 files x 10,000 of k\); a batch has at most 10,000"):
        expand(rows("a", "b"), {"k": ["1"] * BATCH_ITEMS_MAX})
    with pytest.raises(Refused, match="parameter k is a column of the manifest and given with --param"):
        expand([Row("m.csv:2", Path("a"), {}, {"k": "1"})], {"k": ["1"]})


def given_of(text: str) -> Given:
    if text == "gone.txt":
        raise Refused([f"{text} is no file"])
    return text if text.startswith("uploads/") else Path(text)


def test_a_manifest_has_a_row_for_each_line_whose_empty_cells_are_left_to_their_defaults():
    text = '\ufeffinput,k,genome,m\r\na.txt,1,uploads/1/g.fa,"x, y"\r\n\r\nb.txt,,,\r\n'
    assert rows_of(text.removeprefix("\ufeff"), "m.csv", PIPELINE, given_of) == [
        Row("m.csv:2", Path("a.txt"), {"genome": "uploads/1/g.fa"}, {"k": "1", "m": "x, y"}),
        Row("m.csv:4", Path("b.txt"), {}, {}),
    ]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["m.csv:1: there is no column input; a manifest begins with a line of column names"]),
        ("input\n", ["m.csv has no line below its header; write one for each item"]),
        ("input,kk\na,1\n", ["m.csv:1: p has no input or parameter 'kk' (columns may be: input, genome, k, m); "
                             "did you mean k?"]),
        ("input,k,k\na,1,2\n", ["m.csv:1: column k is there twice"]),
        ("input,reads\na,b\n", ["m.csv:1: p has no input or parameter 'reads'"]),
        ("input,k\na\ngone.txt,1\n,2\na,b,c\n", [
            "m.csv:2: 1 cells below 2 columns; quote a cell that has commas",
            "m.csv:3: input: gone.txt is no file",
            "m.csv:4: input is empty; name a file, or a key of the bucket",
            "m.csv:5: 3 cells below 2 columns",
        ]),
        ('input,k\n"a,1\n', ["m.csv:2: unexpected end of data; a quote within quotes is doubled"]),
    ],
)  # fmt: skip
def test_each_bad_line_of_a_manifest_is_refused_with_file_and_line(text: str, faults: list[str]):
    with pytest.raises(Refused) as refused:
        rows_of(text, "m.csv", PIPELINE, given_of)
    assert len(refused.value.faults) == len(faults)
    assert [fault in found for fault, found in zip(faults, refused.value.faults, strict=True)] == [True] * len(faults)


def test_an_item_says_where_it_is_written():
    item = PlannedItem(1, "a", Row("m.csv:2", Path("a.txt")), {"k": "1"})
    assert item.title == "m.csv:2: a.txt with k=1"
