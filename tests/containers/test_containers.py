"""Jobs in real containers: another file system, an unprivileged user, the store across a bridge network."""

from gristmill import keys
from gristmill.local.containers.engine import LABEL, Engine
from tests.integration.mill import Mill


def containers(engine: Engine, mill: Mill) -> list[str]:
    port = mill.endpoint.rpartition(":")[2]
    return engine.ask("ps", "--all", "--quiet", "--filter", f"label={LABEL}={port}").stdout.split()


def test_an_array_job_runs_in_the_image_and_leaves_no_container(mill: Mill, engine: Engine):
    run = mill.drop("strings", "contained.txt", b"one\ntwo\nthree\nfour\n", lines_per_task="1")
    assert mill.finish(run, 180)["status"] == "SUCCEEDED"
    results = keys.results_prefix("strings", "contained.txt", run)
    assert mill.read(results + "reverse.txt") == b"eno\nowt\neerht\nruof\n"
    assert containers(engine, mill) == []
