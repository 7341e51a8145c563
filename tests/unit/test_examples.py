"""The example of each field of `pipeline.yaml`, in the smallest pipeline that may have it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gristmill.pipeline.fields import Closed
from gristmill.pipeline.loading import read_content
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.reference import PARTS, example, fields_of

Content = dict[str, Any]
EACH = [(part, name) for part in PARTS for name in fields_of(part)]
LINES = {"records": "lines", "records_per_task": 1000}
A_JOB = ("run", "command", "script", "mpi")


def branch(name: str, **more: Any) -> Content:
    job = {} if set(A_JOB) & set(more) else {"run": "jobs:work"}
    return {"name": name, **job, **more}


def stage(name: str, *branches: Content, **more: Any) -> Content:
    return {"name": name, "split": LINES, "branches": list(branches), **more}


def minimal(**more: Any) -> Content:
    return {"version": 1, "name": "weather", "description": "x", "stages": [stage("first", branch("upper"))], **more}


def of_parameter(name: str, value: Any) -> Content:
    usual: Content = {"type": "integer", "description": "x"}
    beside = {
        "of": {"type": "list"},
        "max_items": {"type": "list", "of": "integer"},
        "choices": {"type": "string"},
    }.get(name, {})
    return minimal(parameters={"top": {**usual, **beside, name: value}})


def of_input(name: str, value: Any) -> Content:
    cut: Content = {"records": "fastq", "pair": "mates"}
    inputs = (
        {"reads": {**cut, name: value}, "mates": {}}
        if name in cut
        else {"reads": {"records": "fastq"}, "genome": {name: value}}
    )
    return minimal(
        inputs=inputs,
        stages=[
            stage("first", branch("upper", **{"with": [each for each in inputs if each == "genome"]}))
            | {"split": {"records": "fastq", "records_per_task": 10}}
        ],
    )


def of_split(name: str, value: Any) -> Content:
    layout = {"records": "fixed", "record_bytes": 512, "records_per_task": 10}
    usual = {
        "records": {"records_per_task": 10},
        "bytes_per_task": {"records": "lines"},
        "record_bytes": layout,
        "header_bytes": layout,
    }.get(name, {"records": "csv", "records_per_task": 10})
    parameters = {"rows_per_task": {"type": "integer", "description": "x", "default": 10, "minimum": 1}}
    return minimal(parameters=parameters, stages=[{**stage("first", branch("upper")), "split": {**usual, name: value}}])


def of_stage(name: str, value: Any) -> Content:
    names = ("dedup", "align", "coverage", "qualities")
    parts = {"input": "align", "split": {"records": "parts"}} if name == "in_step" else {}
    mode = {"type": "string", "description": "x", "default": "slow"}
    first = stage("first", *map(branch, names))
    return minimal(
        parameters={"mode": mode}, stages=[first, {**stage("second", branch("called")), **parts, name: value}]
    )


def of_branch(name: str, value: Any) -> Content:
    if name in ("nodes", "slots", "mpi"):
        own = branch("upper", **{"mpi": "jobs:solve", name: value})
        return minimal(stages=[{**stage("first", own), "split": {"records": "whole"}}])
    beside: Content = {"gpus": {"compute": "gpu"}}.get(name, {})
    content = minimal(stages=[stage("first", {**branch("upper", **beside), name: value})])
    if name in A_JOB:
        content["stages"][0]["branches"] = [branch("upper", **{name: value})]
    if name == "with":
        content |= {"inputs": {"reads": {"records": "lines"}, "genome": {}}}
    if name == "parameters":
        content["parameters"] = {"word": {"type": "string", "description": "x", "default": "y"}}
    if name == "empty":
        content["stages"].append({**stage("second", branch("called"), input="upper"), "split": {"records": "list"}})
    return content


def of_check(name: str, value: Any) -> Content:
    usual = {"of": "quality", "figure": "rows", "message": "x"}
    bound = {} if name in ("minimum", "maximum", "equals") else {"minimum": 1}
    judge = {**stage("judge", branch("quality", suffix=".json")), "split": {"records": "whole"}}
    return minimal(stages=[judge], checks=[{**usual, **bound, name: value}])


def of_pipeline(name: str, value: Any) -> Content:
    content = minimal() | {name: value}
    if name == "inputs":
        own = branch("upper", **{"with": ["genome"]})
        content["stages"] = [{**stage("first", own), "split": {"records": "fastq", "records_per_task": 10}}]
    if name == "checks":
        content["stages"] = of_check("of", "quality")["stages"]
    if name == "then":
        content["stages"] = [stage("first", branch("fahrenheit"))]
    return content


BUILDERS = {
    "Pipeline": of_pipeline,
    "Accepts": lambda name, value: minimal(accepts={name: value}),
    "Input": of_input,
    "Parameter": of_parameter,
    "Stage": of_stage,
    "Split": of_split,
    "Branch": of_branch,
    "Output": lambda name, value: minimal(
        stages=[stage("first", branch("upper", outputs={"vcf": {name: value}, "log": {}}))]
    ),
    "Expects": lambda name, value: of_branch("expects", {name: value}),
    "Check": of_check,
    "Chain": lambda name, value: of_pipeline("then", [{"pipeline": "plot", "input": "fahrenheit", name: value}]),
}


@pytest.mark.parametrize(("part", "name"), EACH, ids=lambda item: item if isinstance(item, str) else item.__name__)
def test_an_example_stands_in_a_pipeline_that_is_sound(part: type[Closed], name: str):
    value = example(fields_of(part)[name])
    assert value is not None
    content = BUILDERS[part.__name__](name, value)
    called = content["name"]
    found = read_content(yaml.safe_dump(content).encode(), Path(called) / "pipeline.yaml")
    assert isinstance(found, Pipeline)
