"""Parameters arrive byte for byte, whatever S3 does to headers, or are refused before the upload."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gristmill.client.drop.drops import Upload, faults
from gristmill.pipeline.metadata import decode, encode
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import owner, resolve
from gristmill.pipeline.placeholders import as_text
from gristmill.printable import line

PIPELINE = Pipeline.model_validate(
    {
        "version": 1,
        "name": "p",
        "description": "",
        "parameters": {
            "word": {"type": "string", "description": "a text"},
            "rate": {"type": "number", "description": "a number"},
        },
        "stages": [{"name": "s", "split": {"records": "whole"}, "branches": [{"name": "b", "run": "jobs:f"}]}],
    }
)
ODD = [
    " x ",
    "x\n",
    "\tx",
    "",
    " ",
    "é",
    "\U0001f33e",
    '"x"',
    "a=b",
    "a  b",
    "=?UTF-8?B?w6k=?=",
    "UTF-8''x",
    "utf-8''",
    "%20",
]


def carried(value: str) -> str:
    """Return what S3 makes of a header: blanks at its ends go, and so do runs of them inside."""
    return " ".join(value.split())


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_arrives_byte_for_byte(text: str):
    value = encode(text)
    assert value.isascii()
    assert value.isprintable()
    values, found = resolve(PIPELINE, {"word": carried(value), "owner": carried(value)})
    assert (values, found) == ({"word": text}, [])
    assert owner({"owner": carried(value)}, "") == (line(text.strip())[:100] or "unknown")


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_arrive_byte_for_byte(text: str):
    assert decode(carried(encode(text))) == text


@pytest.mark.parametrize("text", ["x", "two words", "a=b", "100%", "it's", "UTF-8", "s3://b/k", "-1.5e3", "=?"])
def test_a_plain_text_stands_as_it_is(text: str):
    assert encode(text) == text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("=?UTF-8?B?w4PCqQ==?=", "S3 cannot carry it as it was set"),
        ("UTF-8''%FF", "is not UTF-8"),
        ("UTF-8''%2", "is not percent-encoded"),
        ("UTF-8''a b", "is not percent-encoded"),
        ("UTF-8''%00", "has a NUL character, which no program can be given"),
    ],
)
def test_what_cannot_arrive_is_refused_with_the_mend(value: str, why: str):
    _, (fault,) = resolve(PIPELINE, {"word": value})
    assert fault.startswith("parameter word: ")
    assert why in fault


def test_a_text_that_is_no_unicode_is_refused():
    _, (fault,) = resolve(PIPELINE, {"word": encode("a\udcff")})
    assert "is not UTF-8" in fault


def test_two_names_of_the_same_parameter_are_refused(tmp_path: Path):
    _, found = resolve(PIPELINE, {"rate": "1", "RATE": "2"})
    assert found == ["parameter rate is given twice"]
    file = tmp_path / "a"
    file.touch()
    assert faults(Upload(file, "p", "a", {"a_b": "1", "a-b": "2"}, "o")) == ["parameter a_b is given twice"]


def test_what_s3_does_not_carry_is_refused_before_the_upload(tmp_path: Path):
    file = tmp_path / "a"
    file.touch()
    (long,) = faults(Upload(file, "p", "a", {"word": "é" * 400}, "o"))
    assert long.startswith("the parameters take 2,4")
    (odd,) = faults(Upload(file, "p", "a", {"w ö": "x"}, "o"))
    assert odd == "parameter 'w ö': S3 takes letters, digits, - _ and . in a name"


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(12345678.0)
@example(1e300)
def test_a_number_keeps_every_digit_on_its_way_to_a_program(number: float):
    values, found = resolve(PIPELINE, {"rate": repr(number)})
    assert found == []
    assert float(as_text(values["rate"])) == number


@pytest.mark.parametrize("text", ["1e999", "9007199254740993", "-12345678901234567890", "1e-400"])
def test_a_number_that_a_float_does_not_hold_is_refused(text: str):
    (fault,) = resolve(PIPELINE, {"rate": text})[1]
    assert fault.startswith(f"parameter rate: {text!r} is not a number such as 0.5 that 64 bits hold")


@pytest.mark.parametrize(
    "text", ["9007199254740992", "-10000000000000000", "0", "0e-500", "0.10000000000000001", "5e-324"]
)
def test_a_number_that_a_float_holds_is_taken(text: str):
    assert resolve(PIPELINE, {"rate": text}) == ({**resolve(PIPELINE, {})[0], "rate": float(text)}, [])
