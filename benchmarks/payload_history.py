"""What a run's state costs as its tasks grow: bytes of the largest payload and number of history events.

The same number of bytes is cut into 10, 1,000 and 100,000 tasks and runs through the deployed state machine; the
history is read through the API as on AWS. Both figures must stay the same.

    python benchmarks/payload_history.py
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import common

from gristmill import keys
from gristmill.limits import STATE_PAYLOAD_MAX

LINES = 100_000
TASKS = (10, 1_000, 100_000)


def history(mill: common.Mill, run: str) -> list[dict[str, Any]]:
    """Return the events of the execution that owns a run."""
    arn = mill.store.read_json(keys.run_record(run))["execution"]
    pages = mill.target.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def payloads(events: list[dict[str, Any]]) -> list[int]:
    """Return the bytes of every input, output and parameter that the state machine carried."""
    details = [value for event in events for value in event.values() if isinstance(value, dict)]
    texts = [detail[name] for detail in details for name in ("input", "output", "parameters") if name in detail]
    return [len((text if isinstance(text, str) else json.dumps(text)).encode()) for text in texts]


def main() -> None:
    """Print the table."""
    common.print_machine()
    print(
        f"{'tasks per branch':>18} {'largest payload':>16} {'all payloads':>14} {'history events':>15} {'seconds':>8}"
    )
    largest, counts = [], []
    with common.mill() as mill, TemporaryDirectory(prefix="gristmill-bench-") as name:
        source = Path(name) / "lines.txt"
        common.write_lines(source, LINES)
        for tasks in TASKS:
            run, seconds = mill.run(source, lines_per_task=LINES // tasks)
            events = history(mill, run)
            sizes = payloads(events)
            largest.append(max(sizes))
            counts.append(len(events))
            print(
                f"{tasks:>18,} {max(sizes):>14,} B {sum(sizes):>12,} B {len(events):>15,} {seconds:>8.2f}", flush=True
            )
    print()
    kept = [
        common.verdict("bytes of the largest payload", max(largest), STATE_PAYLOAD_MAX),
        common.verdict("largest payload of 100,000 tasks / of 10", largest[-1] / largest[0], 1.02),
        common.verdict("history events of 100,000 tasks / of 10", counts[-1] / counts[0], 1.0),
    ]
    common.finish(kept)


if __name__ == "__main__":
    main()
