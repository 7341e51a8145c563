"""Stands in for all five functions of the state machine: does what the run's own script says.

The run's id is the script: JSON text with a list of steps per function, one a call (told apart by the attempt). A step
is the answer, or the text of the error to raise.
"""

import json
import os

NAME = os.environ["NAME"]


def handler(event, context):
    run = event["event"]["script"] if "event" in event and NAME == "Split" else event["run"]
    steps = json.loads(run or event["event"]["script"])[f"{NAME}{event.get('status', '')}"]
    step = steps[min(event.get("attempt", 0), len(steps) - 1)]
    if isinstance(step, str):
        raise RuntimeError(step)
    return {"run": run, **step}
