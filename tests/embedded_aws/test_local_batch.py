"""The pure decisions of the embedded Batch: who gets what, which node runs what, what is retried, what is refused."""

from typing import Any

import pytest

from embedded_aws.services.batch.engine.capacity import Capacity
from embedded_aws.services.batch.engine.retry import counted, is_retried
from embedded_aws.services.batch.engine.scheduling import next_to_start, why_never
from embedded_aws.services.batch.model.model import Attempt, Job, Queue
from embedded_aws.services.batch.model.nodes import container_of, request_problems, span
from embedded_aws.services.batch.model.overrides import merged, substitute
from embedded_aws.services.batch.model.requirements import container_problems, override_problems, retry_problems
from embedded_aws.services.batch.model.resources import Definition, Environment, Needs
from embedded_aws.services.batch.model.submit import make_job

MACHINE = Needs(4, 1000, 4)
DEFINITION = Definition("d", "arn:d:1", 1, {"containerProperties": {}})


def environment(name: str = "one", vcpus: int = 4, **more: Any) -> Environment:
    resources = {"type": "EC2", "maxvCpus": vcpus, **more}
    return Environment(name, f"arn:{name}", {"computeResources": resources})


def queue(*environments: Environment, priority: int = 1) -> Queue:
    return Queue("q", f"arn:q{priority}", {}, list(environments) or [environment()], priority=priority)


def job(name: str, where: Queue, vcpus: float = 1, gpus: int = 0, nodes: int = 0) -> Job:
    def plain_job(job_id: str, count: int) -> Job:
        return Job(job_id, name, f"arn:{job_id}", where, DEFINITION, {}, Needs(vcpus * count, 0, gpus * count), {})

    made = plain_job(name, nodes or 1)
    made.nodes = [plain_job(f"{name}#{index}", 1) for index in range(nodes)]
    where.waiting[name] = made
    return made


def test_no_gpu_is_ever_two_jobs_at_once_and_each_node_has_its_own():
    capacity, where = Capacity(MACHINE), queue()
    jobs = [job("a", where, gpus=1), job("b", where, gpus=1, nodes=2), job("c", where, gpus=1)]
    for taker in jobs:
        capacity.take(taker, where.environments[0])
    holders = [jobs[0], *jobs[1].nodes, jobs[2]]
    assert sorted(gpu for holder in holders for gpu in holder.gpus) == [0, 1, 2, 3]
    assert jobs[1].gpus == ()
    capacity.release(jobs[1])
    again = job("d", where, gpus=2)
    capacity.take(again, where.environments[0])
    assert set(again.gpus) == {1, 2}
    for holder in (jobs[0], jobs[2], again):
        capacity.release(holder)
    assert (capacity.used, where.environments[0].used) == (Needs(), Needs())


def test_the_first_that_fits_goes_first_by_priority_then_arrival():
    low, high = queue(), queue(priority=9)
    job("large", high, vcpus=4)
    small, early = job("small", high), job("early", low)
    assert next_to_start([low, high], MACHINE, Needs(2))[0] is small  # type: ignore[index]
    del high.waiting["small"]
    assert next_to_start([low, high], MACHINE, Needs(2))[0] is early  # type: ignore[index]
    assert next_to_start([low, high], MACHINE, Needs(4)) is None


def test_environments_are_filled_in_order_and_disabled_ones_left_out():
    first, second, third = environment("a", 1), environment("b", 1), environment("c", 4)
    where = queue(first, second, third)
    first.state, second.used = "DISABLED", Needs(1)
    job("x", where)
    assert next_to_start([where], MACHINE, Needs())[1] is third  # type: ignore[index]


@pytest.mark.parametrize(
    ("where", "asked", "reason"),
    [
        (queue(environment(vcpus=2)), {"vcpus": 3}, "MAX_RESOURCE - the job asks for 3 vCPU, and the largest"),
        (queue(environment(vcpus=9)), {"vcpus": 5}, "JOB_RESOURCE_REQUIREMENT - the job asks for 5 vCPU, and this"),
        (queue(), {"gpus": 5}, "asks for 5 GPU, and this machine has 4"),
        (queue(), {"nodes": 5}, "asks for 5 vCPU"),
        (queue(environment(type="SPOT")), {"nodes": 2}, "no compute environment of the queue takes multi-node jobs"),
    ],
)
def test_a_job_that_can_never_start_says_why(where, asked, reason):
    assert reason in (why_never(job("x", where, **asked), MACHINE) or "")
    assert why_never(job("y", queue()), MACHINE) is None


@pytest.mark.parametrize(
    ("target", "indices"),
    [("0:2", [0, 1, 2]), ("1:", [1, 2, 3]), (":1", [0, 1]), (":", [0, 1, 2, 3]), ("2", [2])],
)
def test_node_ranges(target, indices):
    assert list(span(target, 4)) == indices


def test_of_nested_node_ranges_the_narrower_counts():
    ranges = [
        {"targetNodes": "0:", "container": {"image": "all"}},
        {"targetNodes": "1:2", "container": {"image": "in"}},
    ]
    properties = {"numNodes": 4, "mainNode": 0, "nodeRangeProperties": ranges}
    assert [container_of(properties, index)["image"] for index in range(4)] == ["all", "in", "in", "all"]


def test_a_wrong_main_node_and_a_range_beyond_are_refused_together():
    ranges = [{"targetNodes": "0:0", "container": {}}, {"targetNodes": "5:", "container": {}}]
    properties = {"numNodes": 6, "mainNode": 4, "nodeRangeProperties": ranges}
    definition = Definition("m", "arn:m:1", 1, {"nodeProperties": properties})
    problems = list(request_problems({"nodeOverrides": {"numNodes": 3}}, definition))
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("word", "made"),
    [("Ref::a", "1"), ("Ref::ab", "2"), ("Ref::a/Ref::none", "1/Ref::none"), ("ref::a", "ref::a"), ("Ref::", "Ref::")],
)
def test_references_are_replaced_where_there_is_a_value(word, made):
    assert substitute(word, {"a": "1", "ab": "2"}) == made


def test_the_old_overrides_count_only_where_the_definition_uses_the_old_members():
    modern = merged({"resourceRequirements": [{"type": "VCPU", "value": "1"}]}, {"vcpus": 4, "memory": 64}, {})
    assert ("vcpus" in modern, modern["memory"]) == (False, 64)
    assert merged({"vcpus": 1, "memory": 8}, {"vcpus": 4}, {})["vcpus"] == 4


@pytest.mark.parametrize(
    ("attempt", "rules", "retried"),
    [
        (Attempt("s", 0, exit_code=1), [], True),
        (Attempt("s", 0, exit_code=1, is_timed_out=True), [], False),
        (Attempt("s", 0, exit_code=12), [{"onExitCode": "1*", "action": "EXIT"}], False),
        (Attempt("s", 0, exit_code=2), [{"onExitCode": "1*", "action": "EXIT"}], True),
        (Attempt("s", 0, status_reason="Host EC2 gone"), [{"onStatusReason": "host ec2*", "action": "retry"}], True),
        (Attempt("s", 0, exit_code=3), [{"onExitCode": "3", "onReason": "x", "action": "EXIT"}], True),
    ],
)
def test_the_first_rule_that_matches_in_all_its_conditions_decides(attempt, rules, retried):
    assert is_retried(attempt, 1, 5, rules) is retried
    assert not is_retried(attempt, 5, 5, rules)


def test_what_aws_asks_of_containers_and_retries():
    assert len(list(container_problems({}))) == 2
    assert not list(container_problems({"vcpus": 1, "memory": 4}))
    half = {"resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "512"}]}
    assert (len(list(container_problems(half))), len(list(container_problems(half, is_fargate=True)))) == (1, 0)
    assert list(override_problems({"environment": [{"name": "AWS_BATCH_X"}]}))
    assert list(override_problems({"resourceRequirements": [{"type": "FPGA", "value": "1"}]}))
    assert list(retry_problems({"evaluateOnExit": [{"action": "EXIT"}]})) == ["evaluateOnExit needs attempts"]


def test_a_request_makes_an_array_whose_children_wait_as_asked():
    request = {"jobName": "a", "arrayProperties": {"size": 3}}
    chain = make_job({**request, "dependsOn": [{"type": "SEQUENTIAL"}]}, queue(), DEFINITION, "arn")
    assert [child.waits_for for child in chain.children] == [set(), {f"{chain.id}:0"}, {f"{chain.id}:1"}]
    wide = make_job(
        {**request, "dependsOn": [{"jobId": "x", "type": "N_TO_N"}, {"jobId": "y"}]}, queue(), DEFINITION, "arn"
    )
    assert [child.waits_for for child in wide.children] == [{f"x:{index}", "y"} for index in range(3)]
    assert wide.waits_for == set()


@pytest.mark.parametrize(("own", "lost", "tries"), [(1, 0, 1), (0, 1, 1), (2, 3, 2), (3, 7, 10), (0, 10, 10)])
def test_what_is_lost_costs_no_try_but_the_only_one_up_to_a_bound(own: int, lost: int, tries: int):
    attempts = [Attempt("stream", 0, is_lost=index < lost) for index in range(own + lost)]
    assert counted(attempts) == tries
