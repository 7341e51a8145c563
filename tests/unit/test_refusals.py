"""Every refusal of a `pipeline.yaml` says in one line what is wrong, where, and what must be, in plain words."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gristmill.code.inspection import inspect
from gristmill.errors import Refused
from gristmill.pipeline.loading import names, read
from tests.unit.test_pipeline import GOOD

HEAD = "version: 1\nname: mine\ndescription: d\n"
STAGE = (
    "stages:\n  - name: one\n    split: {records: whole}\n    branches:\n      - name: made\n        run: jobs:make\n"
)
WHOLE = HEAD + STAGE
STAGE_FIELDS = "name, input, with, in_step, when, split, branches"
FIELDS = "version, name, description, accepts, inputs, parameters, image, job_definition, libraries, stages, cache, "
FIELDS += "checks, results, then"
NAME = "a name of small letters, digits and hyphens, at most 40, with a letter first"
SIZE = "an integer, 1 or more; or text such as `params.NAME`"
FORMATS = "`lines`, `csv`, `jsonl`, `fasta`, `fastq`, `fixed`, `whole`, `list`, `parts`, `all-parts`"
MEMORY = "an integer, 128 or more; or text such as `4GB`; or a list of these, 1 or more"
MERGES = "`concat`, `header`, `none`; or text such as `module:function`"
BYTES = "an integer, 1 or more; or text such as `50GB`"
PARAMETER = NAME.replace("hyphens", "underscores")
TYPES = "`integer`, `number`, `string`, `boolean`, `list`"
BRANCH = ":10: stages.0.branches.0"
NO_YAML = "not YAML as it should be: "
PYTHON = re.compile(
    r"Input should|valid dictionary|None|True|False|<class|object at 0x|datetime\.|Error\b|given:|constrained"
)


def lines(text: str | bytes, folder: Path) -> list[str]:
    """Return the faults of a file without its path."""
    file = folder / "mine" / "pipeline.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        read(file)
    except Refused as refused:
        return [fault.removeprefix(f"{file}") for fault in refused.faults]
    return []


def with_branch(line: str) -> str:
    return f"{WHOLE}        {line}\n"


def with_split(split: str) -> str:
    return WHOLE.replace("{records: whole}", split)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f":1: the file: must be a mapping with the fields {FIELDS}, not null"),
        ("- a\n", f":1: the file: must be a mapping with the fields {FIELDS}, not a list of 1"),
        (f"{WHOLE}---\na: 1\n", f":10: {NO_YAML}there is a second document (after ---); a pipeline is one"),
        ("version: 1\n\tname: x\n", f":2: {NO_YAML}a tab begins something here; indent with blanks"),
        ("version: [1\n",
         f":2: {NO_YAML}while parsing a flow sequence in line 1, expected ',' or ']', but got '<stream end>'"),
        (f"{HEAD}name: mine\n", f":4: {NO_YAML}name is given twice"),
        (f"{WHOLE}x: 0100\n",
         f":10: {NO_YAML}0100 is 64 to some readers of YAML, and not to others; write the number that is meant"),
        (f"{WHOLE}x: 1:30\n",
         f":10: {NO_YAML}1:30 is 90 to some readers of YAML, and not to others; write the number that is meant"),
        (f"{WHOLE}x: 0x{'f' * 5000}\n",
         f":10: {NO_YAML}0x{'f' * 58}… (5,002 characters in all) is no number and no day; in quotes it is text"),
        (f"{WHOLE}? [a, b]\n: c\n", f":10: {NO_YAML}the name of a field is text"),
        (f"{WHOLE}? {{a: b}}\n: c\n", f":10: {NO_YAML}the name of a field is text"),
        (f"{WHOLE}yes: c\n", f":10: {NO_YAML}the name of a field is text; yes is text in quotes alone"),
        (f"{WHOLE}x: !foo bar\n", f":10: {NO_YAML}it has '!foo', a tag that means nothing here"),
        (f"{WHOLE}x: {'9' * 5000}\n",
         f":10: {NO_YAML}{'9' * 60}… (5,000 characters in all) is no number and no day; in quotes it is text"),
        (f"{WHOLE}x: 2026-13-45\n", f":10: {NO_YAML}2026-13-45 is no number and no day; in quotes it is text"),
        (f"{HEAD}stages: {'[' * 3_000}{']' * 3_000}\n", f":4: {NO_YAML}nested deeper than 100 levels"),
        (f"{HEAD}stages: &a [*a]\n",
         f":4: stages.0: must be a mapping with the fields {STAGE_FIELDS}, not a list of 1"),
        (f"{WHOLE}# \x1b\n", ": character 146 is 0x1b, which YAML does not allow"),
        (WHOLE.encode("utf-16"), ": not UTF-8 (byte 0); save it as UTF-8"),
        (WHOLE.replace("d\n", "2020-01-01\n", 1),
         ":3: description: must be text, not 2020-01-01; in quotes it is text"),
        (WHOLE.replace(" d\n", " yes\n", 1), ":3: description: must be text, not true; in quotes it is text"),
        (WHOLE.replace("mine", "Mine", 1), f":2: name: must be {NAME}, not 'Mine'"),
        (WHOLE.replace("mine", "other", 1), ":2: name: is other, but the folder is called mine"),
        (WHOLE.replace("version: 1", "version: 2"), ":1: version: must be `1`, not 2"),
        (HEAD, ":1: stages: is missing; it is a list of Stage, 1 or more"),
        (f"{HEAD}stages: [one]\n",
         f":4: stages.0: must be a mapping with the fields {STAGE_FIELDS}, not 'one'"),
        (with_split("{records: lnes}"),
         f":6: stages.0.split.records: must be {FORMATS}, not 'lnes'; did you mean lines?"),
        (with_split("{records: lines, records_per_task: many}"),
         f":6: stages.0.split.records_per_task: must be {SIZE}, not 'many'"),
        (with_split("{records: lines, records_per_task: 1.5}"),
         f":6: stages.0.split.records_per_task: must be {SIZE}, not 1.5"),
        (with_branch("memory: much"), f"{BRANCH}.memory: must be {MEMORY}, not 'much'"),
        (with_branch("merge: join"),
         f"{BRANCH}.merge: must be {MERGES}, not 'join'"),
        (with_branch("mpi: [5]"), ":10: stages.0.branches.0.mpi.0: must be text, not 5; in quotes it is text"),
        (with_branch("expects: {bytes_per_second: 0}"),
         f"{BRANCH}.expects.bytes_per_second: must be {BYTES}, not 0"),
        (with_branch("expects: {seconds_per_task: .inf}"),
         ":10: stages.0.branches.0.expects.seconds_per_task: must be a number, 0 or more, not Infinity"),
        (f"{WHOLE}accepts: {{max_bytes: big}}\n",
         ":10: accepts.max_bytes: must be an integer, 1 or more; or text such as `50GB`, not 'big'"),
        (f"{WHOLE}parameters: {{A: {{type: integer, description: x}}}}\n",
         f":10: parameters.A: must have {PARAMETER}"),
        (f"{WHOLE}parameters: {{int: {{type: int, description: x}}}}\n",
         f":10: parameters.int.type: must be {TYPES}, not 'int'; did you mean integer?"),
        (f"{WHOLE}parameters: {{a: {{type: number, description: x, minimum: .nan}}}}\n",
         ":10: parameters.a.minimum: must be a number, not NaN"),
        (f"{WHOLE}parameters: {{a: {{type: number, description: x, minimum: 5, maximum: 1}}}}\n",
         ":10: parameters.a.minimum: 5 is more than the maximum, 1"),
        (f"{WHOLE}parameters: {{a: {{type: number, description: x, choices: [~]}}}}\n",
         ":10: parameters.a.choices.0: null is not of the type number"),
        (f"{WHOLE}parameters: {{a: {{type: string, description: x, default: 2020-01-01}}}}\n",
         ":10: parameters.a.default: must be any value, not 2020-01-01; in quotes it is text"),
        (f"{WHOLE}\"a\\e[2Jb\": 1\n", f":10: a\\x1b[2Jb: there is no such field; there are: {FIELDS}"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_where_and_what_must_be(tmp_path, text, fault):
    assert lines(text, tmp_path) == [fault]


def test_a_file_that_cannot_be_read_is_refused_and_keeps_no_other_from_view(tmp_path):
    for name in ("folder", "loop", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder" / "pipeline.yaml").mkdir()
    (tmp_path / "loop" / "pipeline.yaml").symlink_to("pipeline.yaml")
    (tmp_path / "mine" / "pipeline.yaml").write_text(WHOLE)
    assert names([tmp_path]) == ["mine"]
    for name, why in (
        ("folder", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("no", "No such file"),
    ):
        file = tmp_path / name / "pipeline.yaml"
        (fault,) = inspect(file).faults
        assert fault.startswith(f"{file}: cannot be read: {why}")


ODD = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.dates() | st.text(max_size=5)
ODD |= st.lists(ODD, max_size=2) | st.dictionaries(st.text(max_size=3) | st.integers(), ODD, max_size=2)


def places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield from places(value, (*place, key))


WITH_CHECK = GOOD | {"checks": [{"of": "made", "figure": "x", "maximum": 1, "message": "m"}]}


@given(st.sampled_from(list(places(WITH_CHECK))[1:]), ODD)
def test_any_value_in_any_place_is_taken_or_refused_in_plain_words(tmp_path_factory, place, value):
    content = copy.deepcopy(WITH_CHECK)
    *outer, last = place
    inner: Any = content
    for step in outer:
        inner = inner[step]
    inner[last] = value
    for fault in lines(yaml.safe_dump(content, allow_unicode=True), tmp_path_factory.getbasetemp()):
        assert re.match(r":\d+: ", fault), fault
        assert "\n" not in fault
        assert not PYTHON.search(fault), fault


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (
            "import sys\nsys.exit(3)\n",
            "jobs: it ends the program as it loads, SystemExit: 3 (jobs.py, line 2)",
        ),
        ("def other(): pass\n", "jobs:make: module jobs has no function make"),
        ("make = 5\n", "jobs:make: module jobs has no function make"),
        ("x = 1 / 0\n", "jobs: ZeroDivisionError: division by zero (jobs.py, line 1)"),
        ("def make(:\n", "jobs: SyntaxError: invalid syntax (jobs.py, line 1)"),
    ],
)
def test_code_that_does_not_load_is_named_with_its_place(tmp_path, code, fault):
    name = f"mine-{abs(hash(code))}"  # a process imports the code of a pipeline once
    folder = tmp_path / name
    folder.mkdir()
    (folder / "pipeline.yaml").write_text(WHOLE.replace("mine", name))
    (folder / "jobs.py").write_text(code)
    found = inspect(folder / "pipeline.yaml").faults
    assert [line.partition(".run: ")[2] for line in found] == [f"pipeline {name}: {fault}"]
