"""JSONata as Step Functions has it: variables are bound, never pasted, and its own functions are there."""

import hashlib

import pytest

from embedded_aws.services.stepfunctions.jsonata import Undefined, evaluate

ODD = 'a "quoted" line\nand $more {% %} \\ / / 🌾'


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$states.input.text", ODD),
        ("$states.input.text & '!'", ODD + "!"),
        ("$merge([$states.input, {'more': 1}])", {"text": ODD, "items": [1, 2, 3], "none": None, "more": 1}),
        ("$states.input.items[0]", 1),
        ("$count($states.input.items) > 2 and $exists($states.input.text)", True),
        ("$states.input.none", None),
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(0, 0, 1)", [0]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$hash('grain', 'SHA-256')", hashlib.sha256(b"grain").hexdigest()),
        ("$parse('{\"a\": [1]}')", {"a": [1]}),
        ("$random(7) = $random(7)", True),
        ("$length($uuid())", 36),
        ("$number('72') * 3600", 259200),
    ],
)
def test_an_expression_gives_what_it_gives_on_aws(expression, value):
    states = {"states": {"input": {"text": ODD, "items": [1, 2, 3], "none": None}}}
    assert evaluate(expression, states) == value


def test_nothing_is_an_error_as_step_functions_has_it():
    with pytest.raises(Undefined, match=r"states\.input\.gone"):
        evaluate("$states.input.gone", {"states": {"input": {}}})
