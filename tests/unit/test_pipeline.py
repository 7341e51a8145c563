"""What `pipeline.yaml` may say: every broken rule is told with its place, and the schema for editors says the same."""

import copy
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from gristmill.enums import MergeKind, RecordFormat
from gristmill.errors import Refused
from gristmill.pipeline.loading import names, read
from gristmill.pipeline.placeholders import fill
from gristmill.pipeline.reference import reference
from gristmill.pipeline.schema import schema
from tests.project import PROJECT
from tests.unit.conftest import ROOTS

GOOD = {
    "version": 1,
    "name": "mine",
    "description": "d",
    "parameters": {
        "word": {"type": "string", "description": "w", "default": "x"},
        "loose": {"type": "string", "description": "may be absent"},
    },
    "stages": [
        {
            "name": "one",
            "split": {"records": "lines", "records_per_task": 1},
            "branches": [{"name": "made", "run": "jobs:make"}],
        }
    ],
}


@pytest.fixture
def refused(tmp_path):
    """Return the faults of GOOD with a change made to its first stage's split and branch."""

    def _faults(split=None, **branch):
        content = copy.deepcopy(GOOD)
        stage = content["stages"][0]
        stage["split"] = split or stage["split"]
        stage["branches"][0] |= branch
        stage["branches"][0] = {key: value for key, value in stage["branches"][0].items() if value is not None}
        with pytest.raises(Refused) as caught:
            load(tmp_path, content)
        return [fault.partition("pipeline.yaml:")[2] for fault in caught.value.faults]

    return _faults


def load(folder: Path, content):
    shutil.rmtree(folder / "mine", ignore_errors=True)
    (folder / "mine").mkdir()
    (folder / "mine" / "pipeline.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return read(folder / "mine" / "pipeline.yaml")


@pytest.mark.parametrize(
    ("branch", "reason"),
    [
        ({"run": None}, "needs exactly one of run, command, script and mpi, and has none"),
        ({"script": "true"}, "needs exactly one of run, command, script and mpi, and has run and script"),
        ({"run": None, "command": ["cp", "{input}", "there"]}, "must name {output}"),
        ({"run": None, "command": ["{output}", "{inptu}"]}, "{inptu} is unknown; there are: {input}, {output}"),
        ({"run": None, "command": ["{output}", "{params.nix}"]}, "{params.nix} is unknown"),
        ({"run": None, "command": ["{output}", "{params.loose}"]}, "{params.loose} may be absent from a run"),
        ({"run": None, "command": ["{output}", "{input"]}, "write {{ and }} for braces"),
        ({"run": None, "command": ["{output}", "{input:>9}"]}, "a placeholder has no format"),
        ({"output": "files", "merge": "concat"}, "concat joins a stream"),
        ({"merge": "header", "output_records": "fasta"}, "header needs output_records of lines or csv"),
        ({"nodes": 3}, "nodes: is for mpi alone"),
        ({"slots": 3}, "slots: is for mpi alone"),
        ({"gpus": 2}, "gpus: needs compute: gpu"),
        ({"run": None, "mpi": "jobs:make"}, "the split needs records: whole"),
        ({"output_records": "parts"}, "parts cannot be counted in an output"),
    ],
)
def test_a_broken_rule_of_a_branch_is_told(refused, branch, reason):
    (fault,) = refused(**branch)
    assert reason in fault


@pytest.mark.parametrize(
    ("branch", "reason"),
    [
        ({"nodes": "params.nix"}, "nodes: params.nix: there is no such parameter"),
        ({"nodes": 0}, "nodes: must be an integer, 1 or more; or text such as `params.NAME`, not 0"),
        ({"output": "files"}, "an MPI job writes one stream"),
        ({"mpi": ["solve", "{input}"]}, "must name {output}"),
        ({"run": "jobs:make"}, "needs exactly one of run, command, script and mpi, and has run and mpi"),
    ],
)
def test_a_broken_rule_of_an_mpi_branch_is_told(refused, branch, reason):
    given = {"run": None, "mpi": "jobs:solve", **branch}
    assert any(reason in fault for fault in refused(split={"records": "whole"}, **given))


def test_an_image_without_mpi_is_told(tmp_path):
    content = copy.deepcopy(GOOD)
    content["image"] = "genomics"
    content["stages"][0]["split"] = {"records": "whole"}
    content["stages"][0]["branches"] = [{"name": "solved", "mpi": ["solve", "{output}"]}]
    with pytest.raises(Refused, match="mpi: the image genomics is for single containers; cpu and science have MPI"):
        load(tmp_path, content)


@pytest.mark.parametrize("name", ["mpi", "own", "segments", "receipts", "failures", "usage", "checkpoints", "outcomes"])
def test_neither_stage_nor_branch_is_called_as_a_part_of_a_key(tmp_path, refused, name):
    content = copy.deepcopy(GOOD)
    content["stages"][0]["name"] = name
    with pytest.raises(Refused, match=f"{name} is reserved, as all words of keys: checkpoints, ended, failures"):
        load(tmp_path, content)
    assert any(f"{name} is reserved" in fault for fault in refused(name=name))


def test_no_two_branches_have_jobs_of_the_same_name(tmp_path):
    content = copy.deepcopy(GOOD)
    (stage,) = content["stages"]
    branch = stage["branches"][0]
    content["stages"] = [
        {**stage, "name": "a", "branches": [{**branch, "name": "b-c"}]},
        {**stage, "name": "a-b", "branches": [{**branch, "name": "c"}]},
    ]
    with pytest.raises(Refused, match="its jobs would be called as those of another branch: a-b-c"):
        load(tmp_path, content)


def test_no_branch_takes_the_name_of_the_report(refused):
    assert any("the name is reserved: the run's own report has it" in fault for fault in refused(name="report"))


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ({"records": "lines"}, "needs records_per_task or bytes_per_task"),
        ({"records": "whole", "records_per_task": 2}, "records: whole takes no size"),
        ({"records": "fasta", "records_per_task": 2, "header": True}, "header: is for csv and lines, not for fasta"),
        ({"records": "fixed", "records_per_task": 2}, "records: fixed needs it"),
        ({"records": "lines", "records_per_task": 2, "record_bytes": 3}, "no other format takes it"),
        ({"records": "lines", "records_per_task": 2, "header_bytes": 3}, "is for records: fixed alone"),
        ({"records": "parts"}, "needs the branch whose parts are meant"),
    ],
)
def test_a_broken_rule_of_a_split_is_told(refused, split, reason):
    (fault,) = refused(split=split)
    assert reason in fault


def test_a_merge_that_computes_becomes_a_stage_of_one_task(tmp_path):
    content = copy.deepcopy(GOOD)
    content["stages"][0]["branches"][0] |= {"merge": "jobs:join", "memory": 2048}
    content["stages"].append(
        {
            "name": "two",
            "input": "made",
            "split": {"records": "parts"},
            "branches": [{"name": "other", "run": "jobs:make"}],
        }
    )
    pipeline = load(tmp_path, content)
    assert [stage.name for stage in pipeline.stages] == ["one", "made-merge", "two"]
    mapping, merging = pipeline.stages[0].branches[0], pipeline.stages[1]
    assert (mapping.name, mapping.merge) == ("made-parts", MergeKind.NONE)
    assert (merging.input, merging.split.records) == ("made-parts", RecordFormat.ALL_PARTS)
    assert (merging.branches[0].name, merging.branches[0].run, merging.branches[0].memory) == (
        "made",
        "jobs:join",
        2048,
    )
    assert pipeline.stages[2].input == "made-parts"
    assert pipeline.results == ["made", "other"]
    assert type(pipeline).model_validate_json(pipeline.model_dump_json()) == pipeline


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ((), "there are: version, name, description, accepts, inputs, parameters"),
        (("accepts",), "there are: suffixes, max_bytes"),
        (("parameters", "word"), "there are: type, description, of, max_items, default, minimum, maximum, choices"),
        (("stages", 0), "there are: name, input, with, in_step, when, split, branches"),
        (("stages", 0, "split"), "there are: records, records_per_task"),
        (("stages", 0, "branches", 0), "there are: name, run, command, script, mpi, parameters"),
        (("stages", 0, "branches", 0, "expects"), "there are: seconds_per_task, bytes_per_second"),
    ],
)
def test_an_unknown_field_is_told_with_those_there_are(tmp_path, place, known):
    content = copy.deepcopy(GOOD) | {"accepts": {}}
    content["stages"][0]["branches"][0]["expects"] = {}
    inner = content
    for step in place:
        inner = inner[step]
    close = known.split(", ")[-1].removeprefix("there are: ")
    inner[f"{close}s"] = 1
    with pytest.raises(Refused) as caught:
        load(tmp_path, content)
    (fault,) = caught.value.faults
    assert f"{'.'.join(map(str, (*place, close)))}s: there is no such field; {known}" in fault
    assert fault.endswith(f"; did you mean {close}?")


def test_the_page_of_the_fields_is_what_the_schema_says():
    page = (PROJECT / "docs" / "pipeline-yaml.md").read_text()
    assert page == reference(), "write it anew with: make reference"
    shown = schema()
    objects = [shown, *(item for item in shown["$defs"].values() if "properties" in item)]
    assert len(objects) > 6
    for each in objects:
        for field, what in each["properties"].items():
            assert page.count(f"| `{field}` | ") == sum(field in other["properties"] for other in objects)
            assert what["description"] in page


def test_placeholders_become_arguments_whatever_they_hold():
    values = {"input": "/a b", "params.x": "$(id) {input}", "params.y": True, "params.z": 2.0}
    assert fill("{input}:{params.x}:{params.y}:{params.z}:{{}}", values) == "/a b:$(id) {input}:true:2:{}"


def test_the_schema_for_editors_takes_every_pipeline_there_is_and_no_unknown_field():
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    files = [root / name / "pipeline.yaml" for root in ROOTS for name in names([root])]
    assert files
    for file in files:
        validator.validate(yaml.safe_load(file.read_text()))
    validator.validate({**GOOD, "accepts": {"max_bytes": "50GB"}})
    for wrong in (
        {**GOOD, "stage": []},
        {**GOOD, "version": 2},
        {**GOOD, "stages": []},
        {**GOOD, "accepts": {"max_bytes": "much"}},
    ):
        assert list(validator.iter_errors(wrong))
