"""A tenth of all requests between jobs, functions and the store fails: the results are right, and no storm follows."""

import json
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest

from gristmill import keys
from tests.endurance.proxy import Fault, Proxy, proxy
from tests.integration.mill import Mill

RUNS = 8
SHARE = 0.1
MOST = 1.6  # requests with faults / without: a tenth is sent again, and a few calls begin anew
LINES = [b"%d lines of grist for the mill" % number for number in range(100_000)]  # repeated, two parts of an upload


@pytest.fixture(scope="module")
def store(mill: Mill) -> Iterator[Proxy]:
    """Lead every function and job to the store through a proxy, as an operator would: by configuration."""
    with proxy(mill.endpoint) as server:
        lead = {"AWS_ENDPOINT_URL_S3": server.endpoint}
        definition = lead_jobs(mill.client("batch"), lead)
        lead_functions(mill.client("lambda"), {**lead, "CPU_JOB_DEFINITION": definition})
        yield server


def lead_jobs(batch: Any, lead: dict[str, str]) -> str:
    (old,) = [
        definition
        for definition in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        if is_cpu(definition)
    ]
    given = old["containerProperties"].get("environment", []) + [{"name": n, "value": v} for n, v in lead.items()]
    kept = {
        name: old[name]
        for name in ("jobDefinitionName", "type", "platformCapabilities", "retryStrategy", "timeout", "parameters")
        if name in old
    }
    made = batch.register_job_definition(
        **kept, containerProperties={**old["containerProperties"], "environment": given}
    )
    return made["jobDefinitionArn"]


def is_cpu(definition: dict[str, Any]) -> bool:
    return definition["type"] == "container" and "Cpu" in definition["jobDefinitionName"]


def lead_functions(functions: Any, lead: dict[str, str]) -> None:
    for function in functions.list_functions()["Functions"]:
        name = function["FunctionName"]
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        wanted = {key: value for key, value in lead.items() if key in variables or key.startswith("AWS_")}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, **wanted}})


def renew_functions(functions: Any, fault: Fault) -> None:
    """Have Lambda begin functions anew: botocore gives no retry quota back where what it retried is answered by 404."""
    for function in functions.list_functions()["Functions"]:
        name = function["FunctionName"]
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**variables, "FAULT": fault}}
        )


def work(mill: Mill, store: Proxy, name: str) -> Counter[Fault]:
    """Do a run, check its results, and return what became of its requests."""
    store.take_counts()
    text = b"\n".join(LINES)
    repeated, reverse = b"\n".join(line * 2 for line in LINES), b"\n".join(line[::-1] for line in LINES)
    run = mill.drop("strings", name, text, lines_per_task="1000")
    outcome = mill.finish(run, 120)
    assert outcome["status"] == "SUCCEEDED", json.dumps(outcome, indent=2)
    assert mill.read(keys.result("strings", name, run, "repeat.txt")) == repeated
    assert mill.read(keys.result("strings", name, run, "reverse.txt")) == reverse
    return store.take_counts()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE])
def test_every_kind_of_request_outlives_each_fault(mill: Mill, store: Proxy, fault: Fault):
    renew_functions(mill.client("lambda"), fault)
    store.kinds.clear()
    store.first = fault
    try:
        counts = work(mill, store, f"first {fault}.txt")
    finally:
        store.first = None
    assert counts[fault] == len(store.kinds) > 20
    for kind in ("PUT * uploadId", "POST * uploadId", "GET * list-type", "PUT *"):
        assert any(fnmatch(item, f"{kind}*") for item in store.kinds), f"{kind} was never broken"


def test_results_are_right_and_no_storm_follows(mill: Mill, store: Proxy):
    store.share = 0.0
    quiet = sum((work(mill, store, f"quiet {number}.txt") for number in range(RUNS)), Counter[Fault]())
    store.share = SHARE
    broken = sum((work(mill, store, f"broken {number}.txt") for number in range(RUNS)), Counter[Fault]())
    assert set(quiet) == {Fault.NONE}
    assert set(broken) == set(Fault), "too few requests to see every fault"
    assert broken.total() - broken[Fault.NONE] > 0.05 * broken.total()
    assert broken.total() < MOST * quiet.total()
