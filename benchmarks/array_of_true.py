"""A 1,000-child array of `true` on the embedded AWS, beside `xargs -P` with as many processes at once.

    python -m benchmarks.array_of_true [--children 1000] [--slots 2] [--rounds 3]

Both start every `true` as a process of its own. Batch also writes down states, attempts and a log stream of each; it
should be at least half as fast. The rounds take turns, so that a busy machine burdens both alike.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from embedded_aws.lifecycle import daemon
from gristmill.client import embedded
from tests.integration.batch import Batch

AIM = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--children", type=int, default=1000)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        state = embedded.up(data, ["--port", "0", "--vcpus", str(arguments.slots)])
        try:
            report(arguments, Batch(state.endpoint, data))
        finally:
            daemon.down(data)


def report(options: Any, batch: Batch) -> None:
    batch.make_queue(batch.queue, batch.environment("hosts"))
    batch.api.register_job_definition(
        jobDefinitionName="true",
        type="container",
        containerProperties={**batch.container(""), "command": ["true"]},
    )
    rounds = [(xargs(options.children, options.slots), array(batch, options.children)) for _ in range(options.rounds)]
    for number, (shell, ours) in enumerate(rounds, 1):
        print(f"round {number}: xargs {shell:7.0f}/s   array {ours:7.0f}/s   ratio {ours / shell:.2f}")
    ratio = statistics.median(ours / shell for shell, ours in rounds)
    verdict = "met" if ratio >= AIM else "missed"
    print(f"{options.children} x true, {options.slots} at once: median ratio {ratio:.2f} (aim {AIM}: {verdict})")


def xargs(children: int, slots: int) -> float:
    """Return how many a second xargs runs."""
    numbers = "\n".join(map(str, range(children)))
    start = time.monotonic()
    subprocess.run(["xargs", "-P", str(slots), "-n", "1", "true"], input=numbers, text=True, check=True)
    return children / (time.monotonic() - start)


def array(batch: Batch, children: int) -> float:
    """Return how many children a second an array job runs, from its submission to the parent's end."""
    start = time.monotonic()
    job = batch.submit("true", arrayProperties={"size": children})
    done = batch.end(job, seconds=600)
    took = time.monotonic() - start
    assert done["arrayProperties"]["statusSummary"]["SUCCEEDED"] == children
    return children / took


if __name__ == "__main__":
    main()
