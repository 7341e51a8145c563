"""What SNS delivers to functions: moto sends sample values, waits for the function and drops what fails."""

import json
import logging
import re
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from moto.awslambda.exceptions import GenericResourcNotFound, UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Subscription

_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_NOT_SIGNED = "EXAMPLE"  # as in AWS's sample event: nobody checks signatures of what Lambda was handed
log = logging.getLogger(__name__)


def install() -> None:
    """Let subscriptions of protocol `lambda` invoke asynchronously, with the event that AWS sends."""
    publish, subscribe = Subscription.publish, SNSBackend.subscribe

    def subscribe_checked(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if protocol == "lambda" and not _FUNCTION.fullmatch(endpoint):
            raise SNSInvalidParameter("Invalid parameter: Lambda endpoint ARN")
        return subscribe(self, topic_arn, endpoint, protocol)

    def publish_to_function(self: Any, message: str, message_id: str, **named: Any) -> Any:
        if self.protocol != "lambda":
            return publish(self, message, message_id, **named)
        attributes = named.get("message_attributes") or {}
        matcher = self._filter_policy_matcher
        if matcher is None or matcher.matches(attributes, message):
            if named.get("message_structure") == "json":
                message = self._parse_message_structure(message, self.protocol)
            _hand_over(self, event_of(self, message, message_id, named.get("subject"), attributes))
        return None

    SNSBackend.subscribe, Subscription.publish = subscribe_checked, publish_to_function


def event_of(
    subscription: Any, message: str, message_id: str, subject: str | None, attributes: dict[str, Any]
) -> dict[str, Any]:
    """Return the event of a message (Lambda developer guide, "Invoking Lambda functions with Amazon SNS")."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host = f"https://sns.{subscription.topic.arn.split(':')[3]}.amazonaws.com"
    sns = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": subscription.topic.arn,
        "Subject": subject,
        "Message": message,
        "Timestamp": now,
        "SignatureVersion": "1",
        "Signature": _NOT_SIGNED,
        "SigningCertUrl": f"{host}/SimpleNotificationService-{_NOT_SIGNED}.pem",
        "UnsubscribeUrl": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
        "MessageAttributes": attributes,
    }
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "Sns": sns}
    return {"Records": [record]}


def _hand_over(subscription: Any, event: dict[str, Any]) -> None:
    """Invoke the function as an event; it retries and buries. AWS too drops what it may not hand over."""
    arn, topic = subscription.endpoint, subscription.topic.arn
    try:
        function = get_backend(subscription.account_id, arn.split(":")[3]).get_function(arn)
    except UnknownFunctionException:
        log.warning("%s could not reach %s: there is no such function", topic, arn)
        return
    if not may_invoke(function, topic):
        log.warning("%s may not invoke %s: it has no permission for sns.amazonaws.com of this topic", topic, arn)
        return
    function.invoke(json.dumps(event), {"x-amz-invocation-type": "Event"}, {})


def may_invoke(function: Any, topic: str) -> bool:
    """Return whether a function's own policy lets a topic invoke it."""
    try:
        statements = function.policy.get_policy()["Policy"]["Statement"]
    except GenericResourcNotFound:
        return False
    return any(_allows(statement, topic) for statement in statements)


def _allows(statement: dict[str, Any], topic: str) -> bool:
    source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "*")
    principal, action = statement["Principal"], statement["Action"]
    return (
        principal in ("*", {"Service": "sns.amazonaws.com"})
        and fnmatchcase("lambda:InvokeFunction", action)
        and fnmatchcase(topic, source)
    )
