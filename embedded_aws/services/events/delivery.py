"""Delivering one event to one target: its input, its retries, and its dead-letter queue."""

import json
import re
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.settings.clients import client
from embedded_aws.settings.settings import Settings

_MOST_TRIES = 185  # EventBridge's default
_LONGEST_WAIT = 10.0  # seconds between tries; a laptop's faults do not last for hours
_MOST_TRIES_HERE = 8
_PLACE = re.compile(r"<([A-Za-z0-9_.-]+)>")
_FINAL = {"ExecutionAlreadyExists", "ResourceNotFoundException", "StateMachineDoesNotExist", "ValidationException"}


def deliver(settings: Settings, rule: str, target: dict[str, Any], event: dict[str, Any]) -> None:
    """Send an event to a target until it is taken, the tries are used up or the error is final."""
    policy = target.get("RetryPolicy", {})
    tries = 1 + min(policy.get("MaximumRetryAttempts", _MOST_TRIES), _MOST_TRIES_HERE)
    text = target_input(target, event)
    error: Exception | None = None
    for attempt in range(tries):
        try:
            send(settings, target, event, text)
        except (BotoCoreError, ClientError, ValueError) as problem:
            error = problem
            if _code(problem) in _FINAL:
                break
            time.sleep(min(_LONGEST_WAIT, 0.2 * 2**attempt))
        else:
            return
    if error is not None and _code(error) != "ExecutionAlreadyExists":
        bury(settings, rule, target, text, error)


def target_input(target: dict[str, Any], event: dict[str, Any]) -> str:
    """Return what the target gets: its Input, a part of the event, a transformed one, or the event itself."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(look_up(event, target["InputPath"]))
    if "InputTransformer" in target:
        return transform(target["InputTransformer"], event)
    return json.dumps(event)


def look_up(event: Any, path: str) -> Any:
    """Return what a dotted path (`$.detail.object.key`) leads to."""
    for step in path.removeprefix("$").strip(".").split("."):
        event = event[step] if step else event
    return event


def transform(transformer: dict[str, Any], event: dict[str, Any]) -> str:
    """Return an input template with its places filled; a place outside quotes takes JSON, one inside takes text."""
    values = {name: look_up(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    template = transformer["InputTemplate"]

    def fill(match: re.Match[str]) -> str:
        value = values[match[1]]
        quoted = template[: match.start()].replace('\\"', "").count('"') % 2 == 1
        return json.dumps(value)[1:-1] if quoted and isinstance(value, str) else json.dumps(value)

    return _PLACE.sub(fill, template)


def send(settings: Settings, target: dict[str, Any], event: dict[str, Any], text: str) -> None:
    """Hand an input to a target by the kind of its ARN."""
    arn = target["Arn"]
    service = arn.split(":")[2]
    if service == "states":
        # AWS names the execution after the event, so an event delivered twice starts it once
        client(settings, "stepfunctions").start_execution(stateMachineArn=arn, name=event["id"], input=text)
    elif service == "lambda":
        client(settings, "lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())
    elif service == "sns":
        client(settings, "sns").publish(TopicArn=arn, Message=text)
    elif service == "sqs":
        client(settings, "sqs").send_message(QueueUrl=queue_url(settings, arn), MessageBody=text)
    else:
        raise ValueError(f"The embedded AWS delivers no events to {arn}")


def queue_url(settings: Settings, arn: str) -> str:
    """Return the URL of a queue."""
    return str(client(settings, "sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"])


def bury(settings: Settings, rule: str, target: dict[str, Any], text: str, error: Exception) -> None:
    """Put an undelivered event into the target's dead-letter queue, with the attributes that AWS adds."""
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue is None:
        return
    texts = {
        "RULE_ARN": rule,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": _code(error),
        "ERROR_MESSAGE": str(error),
    }
    attributes = {name: {"DataType": "String", "StringValue": value or "-"} for name, value in texts.items()}
    client(settings, "sqs").send_message(
        QueueUrl=queue_url(settings, queue), MessageBody=text, MessageAttributes=attributes
    )


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
