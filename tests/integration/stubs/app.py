"""Stands in for all functions of the state machine: does what the run's own script says.

The run's id is the script: JSON text with a list of steps per function, one a call (told apart by the attempt). A step
is the answer, or the text of the error to raise (`SUPERSEDED` is one of its own kind).
"""

import json
import os

NAME = os.environ["NAME"]
SUPERSEDED = "the run is another's"


class Superseded(Exception):
    pass


def handler(event, context):
    run = event["event"]["script"] if "event" in event and NAME == "Split" else event["run"]
    steps = json.loads(run or event["event"]["script"])[f"{NAME}{event.get('status', '')}"]
    step = steps[min(event.get("attempt", 0), len(steps) - 1)]
    if step == SUPERSEDED:
        raise Superseded(step)
    if isinstance(step, str):
        raise RuntimeError(step)
    return {"run": run, **step}
