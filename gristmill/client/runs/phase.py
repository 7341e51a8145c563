"""What a run does while none of its containers is at work, by the last state that its execution entered."""

from gristmill.client.runs.executions import Execution
from gristmill.client.stack import Stack

PHASES = {
    "Split": "splitting the input",
    "Feed": "feeding its items",
    "WaitForBatch": "waiting for its items",
    "JobMap": "planning the jobs",
    "Work": "starting the jobs",
    "Merge": "merging",
    "MergeMpi": "merging",
    "CheckOutput": "checking the outputs",
    "WaitBeforeRetry": "waiting to try again",
    "NotifyRetrying": "telling of the retry",
    "NotifySucceeded": "writing report and mail",
    "NotifyPartial": "writing report and mail",
    "NotifyFailed": "writing report and mail",
}
_LOOKED_AT = 25  # events; a state's entry is among its last few


def phase(stack: Stack, execution: Execution) -> str:
    """Return what an execution does, empty where its last events tell nothing that takes time."""
    history = stack.client("stepfunctions").get_execution_history(
        executionArn=execution.arn, reverseOrder=True, maxResults=_LOOKED_AT
    )
    entered = (event.get("stateEnteredEventDetails", {}).get("name", "") for event in history["events"])
    return next((PHASES[name] for name in entered if name in PHASES), "")
