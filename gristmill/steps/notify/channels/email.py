"""E-mail, by the topic: SNS mails to those who subscribed, and hands the notice to the functions of other channels."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from gristmill.steps.notify.channels import Notice, write_notice


@dataclass(frozen=True)
class Email:
    """The channel of Notify itself: a client of SNS, and the topic."""

    name: ClassVar[str] = "email"
    sns: Any
    topic: str

    def send(self, notice: Notice) -> None:
        """Publish a notice; botocore's errors where SNS does not take it."""
        self.sns.publish(
            TopicArn=self.topic,
            Subject=notice.subject,
            Message=json.dumps({"default": notice.text, "lambda": write_notice(notice)}, ensure_ascii=False),
            MessageStructure="json",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in notice.attributes.items()
            },
        )
