"""Stands for `app.py` of every function of a wrecked stack, beside the function's own, which is called `real.py`.

The name of the dropped file says which function breaks, and how: `merge.raise.txt`. All others do their work.
"""

import json
import os
import signal
import time
from typing import Any

import real

from gristmill import keys

FUNCTION = os.environ["POWERTOOLS_SERVICE_NAME"]


def handler(event: dict[str, Any], context: Any) -> Any:
    function, how, *_ = [*keys.parse_input(key_of(event)).name.split("."), "", ""]
    if function == FUNCTION:
        if how == "raise":
            raise RuntimeError("the axle broke")
        if how == "hang":
            time.sleep(3600)
        if how == "die":
            os._exit(9)
        if how == "lie":  # of Merge: say that all is merged, and merge nothing
            return {"branch": event["branch"], "merged": True, "output": "nowhere"}
        if how == "pause" and "detail-type" not in event:  # before it has begun
            os.kill(os.getpid(), signal.SIGSTOP)
        if how == "freeze" and "detail-type" not in event:  # in the middle of its work
            return freeze(event, context)
        if how == "mute" and "detail-type" not in event:  # of Notify: fail whenever the state machine asks
            raise RuntimeError("the voice is gone")
        if how == "stutter":  # of Notify: fail when all is done
            real.handler(event, context)
            raise RuntimeError("the voice broke")
    return real.handler(event, context)


def freeze(event: dict[str, Any], context: Any) -> Any:
    """Let the function begin its work, and stop its process before it does any of it."""
    work = getattr(real, FUNCTION)

    def frozen(*given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGSTOP)
        return work(*given)

    setattr(real, FUNCTION, frozen)
    try:
        return real.handler(event, context)
    finally:
        setattr(real, FUNCTION, work)


def key_of(event: dict[str, Any]) -> str:
    """Return the dropped object's key, wherever this function's event tells of it."""
    if "detail-type" in event:
        event = {"event": json.loads(event["detail"]["input"])}
    if "detail" in event.get("event", {}):
        return str(event["event"]["detail"]["object"]["key"])
    run = event["run"] if "run" in event else event["event"]["resume"]["run"]
    return str(real.store.read_json(keys.run_record(run))["input"]["key"])
