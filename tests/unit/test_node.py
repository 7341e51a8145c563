"""What nodes of a multi-node job decide, without any process or store."""

import sys
from pathlib import Path

import pytest

from gristmill.batch.lanes import Lane, lane_of, read_lanes
from gristmill.enums import Image, LaneName, NodeMessage
from gristmill.errors import Refused
from gristmill.keys import BranchKeys, Rendezvous
from gristmill.pipeline.branch import Branch
from gristmill.steps.job_map.job_map import mpi_job
from gristmill.worker.node.host import Registration, gpus, processors, slots
from gristmill.worker.node.mpirun import arguments, hostfile, is_crowded, networks, program
from gristmill.worker.node.setting import read_setting
from gristmill.worker.node.watch import Watch
from process_tree.descendants import descendants

ENVIRONMENT = {
    "BUCKET": "mill",
    "AWS_BATCH_JOB_ID": "1234-abcd#2",
    "AWS_BATCH_JOB_NODE_INDEX": "2",
    "AWS_BATCH_JOB_NUM_NODES": "3",
    "AWS_BATCH_JOB_ATTEMPT": "2",
}


def test_all_nodes_of_a_job_meet_at_one_place_and_each_attempt_at_its_own():
    setting = read_setting(["--", "prog", "--fast"], ENVIRONMENT)
    assert (setting.index, setting.is_main, setting.others, setting.command) == (2, False, [1, 2], ("prog", "--fast"))
    place = Rendezvous(setting.cursor.run, setting.job_id, setting.attempt)
    assert place.of(NodeMessage.NODE, 2) == "work/jobs/mpi/1234-abcd/2/node-0002.json"
    assert place.key(NodeMessage.OUTCOME) == "work/jobs/mpi/1234-abcd/2/outcome.json"


def test_a_node_says_all_that_its_setting_lacks():
    with pytest.raises(Refused) as refused:
        read_setting([], {"AWS_BATCH_JOB_NODE_INDEX": "x"})
    assert [fault.partition(" is")[0][:24] for fault in refused.value.faults] == [
        "AWS_BATCH_JOB_NODE_INDEX",
        "BUCKET",
        "give either --run, --sta",
    ]


@pytest.mark.parametrize(
    ("gpus", "processors", "cap", "ranks"),
    [(0, 8, None, 8), (0, 8, 3, 3), (0, 2, 96, 2), (4, 32, None, 4), (4, 32, 1, 1), (0, 1, 0, 1)],
)
def test_slots_are_gpus_else_processors_and_never_more_than_the_job_wants(gpus, processors, cap, ranks):
    assert slots(gpus, processors, cap) == ranks


def test_gpus_are_those_that_the_container_was_given():
    assert gpus({"CUDA_VISIBLE_DEVICES": "0,2"}) == 2
    assert gpus({"NVIDIA_VISIBLE_DEVICES": "GPU-1a"}) == 1
    assert gpus({"NVIDIA_VISIBLE_DEVICES": "void"}) == len(list(Path("/dev").glob("nvidia[0-9]*")))


def test_a_quota_of_the_container_bounds_its_processors(tmp_path):
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert processors(quota) == 1
    quota.write_text("max 100000\n")
    assert processors(quota) == processors(tmp_path / "absent")


def test_python_programs_run_under_mpi4py_and_others_as_they_are():
    assert program(["python", "solve.py", "3"]) == [sys.executable, "-m", "mpi4py", "solve.py", "3"]
    assert program(["python", "-m", "mpi4py", "solve.py"]) == [sys.executable, "-m", "mpi4py", "solve.py"]
    assert program(["./solve", "3"]) == ["./solve", "3"]


def test_the_host_file_begins_with_the_main_node_by_its_address():
    nodes = {index: Registration(address=f"10.0.0.{index}", slots=index + 1) for index in range(3)}
    assert hostfile(1, nodes) == "10.0.0.1 slots=2\nnode-0 slots=1\nnode-2 slots=3\n"


def test_tcp_is_named_unless_every_node_has_efa():
    def words(*efa: bool) -> list[str]:
        nodes = {
            index: Registration(
                address=f"10.0.{index}.5", interface=f"eth{index}", network=f"10.0.{index}.0/24", slots=4, efa=has_efa
            )
            for index, has_efa in enumerate(efa)
        }
        return arguments(nodes, Path("hosts"), Path("agent"))

    assert "pml" in words(True, False)
    assert "10.0.0.0/24,10.0.1.0/24" in words(False, False)
    assert "pml" not in words(True, True)
    assert words(True, True)[words(True, True).index("-n") + 1] == "8"


def test_nodes_talk_over_the_interface_that_all_call_the_same_else_over_their_networks():
    registration = Registration(interface="eth0", network="10.0.0.0/24")
    assert networks([registration, registration]) == "eth0"
    assert networks([registration, Registration(interface="ens5", network="10.0.1.0/24")]) == "10.0.0.0/24,10.0.1.0/24"
    assert networks([registration, Registration()]) == ""


def test_a_machine_with_more_ranks_than_processors_is_crowded():
    half = Registration(machine="one", processors=2, slots=1)
    assert not is_crowded([half, half])
    assert is_crowded([half, half, half])
    assert not is_crowded([half, half, Registration(machine="other", processors=2, slots=2)])
    assert not is_crowded([Registration(processors=1, slots=9)] * 2)


def test_silence_counts_from_the_first_sign_of_life_and_ends_with_the_next():
    watch = Watch(["a", "b"], longest_gap=10)
    for now, etags in ((0, {}), (5, {"a": "1"}), (10, {"a": "1"}), (15, {"a": "1", "b": "1"})):
        watch.observe(etags, now)
    assert watch.silent_for(10) == ["a"]
    watch.observe({"a": "2", "b": "1"}, 16)
    assert watch.silent_for(1) == ["b"]


def test_time_in_which_nobody_looked_is_not_silence():
    watch = Watch(["a"], longest_gap=2)
    for now in (0, 1, 3600):  # a laptop slept, or the store was away
        watch.observe({"a": "1"}, now)
    assert watch.silent_for(4) == []


def test_a_main_node_that_never_shows_is_silent_from_the_start():
    watch = Watch(["main"], longest_gap=10, at_once=True)
    for now in (0, 5, 10):
        watch.observe({}, now)
    assert watch.silent_for(10) == ["main"]


def test_descendants_are_found_through_all_generations():
    assert sorted(descendants(1, {2: 1, 3: 2, 4: 3, 5: 9, 1: 0})) == [2, 3, 4]


def lanes(*names: LaneName) -> dict[LaneName, Lane]:
    return {name: Lane(f"{name}-queue", f"{name}-definition", 8) for name in names}


def test_an_mpi_branch_is_one_job_whose_nodes_all_run_the_same_command():
    branch = Branch(name="field", mpi="jobs:solve", nodes=4, vcpus=2, memory=512, timeout=100)
    place = BranchKeys("0123456789abcdef", "solve", "field", "f" * 16)
    job = mpi_job(lanes(LaneName.MPI)[LaneName.MPI], place, 3, branch, 4)
    assert (job["queue"], job["definition"], job["timeout"]) == ("mpi-queue", "mpi-definition", 1000)
    assert job["nodes"]["NumNodes"] == 4
    (override,) = job["nodes"]["NodePropertyOverrides"]
    assert override["TargetNodes"] == "0:"
    assert override["ContainerOverrides"]["ResourceRequirements"] == [
        {"Type": "VCPU", "Value": "2"},
        {"Type": "MEMORY", "Value": "512"},
    ]
    setting = read_setting(override["ContainerOverrides"]["Command"][3:], ENVIRONMENT)
    assert (setting.keys, setting.cursor.attempt, setting.slots) == (place, 3, 2)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"run": "jobs:one"}, (LaneName.CPU, LaneName.SCIENCE)),
        ({"run": "jobs:one", "compute": "gpu"}, (LaneName.GPU, LaneName.GPU)),
        ({"mpi": "jobs:one"}, (LaneName.MPI, LaneName.MPI_SCIENCE)),
        ({"mpi": "jobs:one", "compute": "gpu", "gpus": 4}, (LaneName.MPI_GPU, LaneName.MPI_GPU)),
    ],
)
def test_a_branch_goes_to_the_lane_of_its_kind_and_image(more, expected):
    branch = Branch(name="one", **more)
    for image, lane in zip((Image.CPU, Image.SCIENCE), expected, strict=True):
        assert lane_of(lanes(*LaneName), branch, image).queue == f"{lane}-queue"
        with pytest.raises(Refused, match=f"needs the lane {lane}"):
            lane_of(lanes(*(other for other in LaneName if other is not lane)), branch, image)


def test_lanes_are_read_from_the_environment_and_an_empty_one_is_none():
    text = '{"cpu": {"queue": "q", "definition": "d", "max_vcpus": 4}}'
    assert read_lanes(text) == {LaneName.CPU: Lane("q", "d", 4.0)}


def test_ranks_per_node_are_gpus_else_vcpus_unless_the_branch_says():
    def ranks(**more: object) -> int:
        return Branch(name="one", mpi="jobs:one", **more).ranks_per_node

    assert (ranks(), ranks(vcpus=4), ranks(vcpus=4, slots=3), ranks(vcpus=8, compute="gpu", gpus=2)) == (1, 4, 3, 2)
