"""SNS, which takes notices; EventBridge, which takes events; and the logs, which have nothing."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError

from tests.simulation.facts import Notice

if TYPE_CHECKING:
    from tests.simulation.world import World


class Mail:
    """The topic; `notices` are those that it took, in order."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.notices: list[Notice] = []
        self._repeatable: set[str] = set()

    def excuse(self, execution: str) -> None:
        """Let the notice of an execution's end come again: whoever sent it died, or did not learn that it was taken."""
        self._repeatable.add(execution)

    def may_repeat(self, execution: str) -> bool:
        return execution in self._repeatable

    def publish(
        self, *, TopicArn: str, Subject: str, Message: str, MessageStructure: str, MessageAttributes: Any
    ) -> Any:
        def act() -> dict[str, Any]:
            attributes = {name: given["StringValue"] for name, given in MessageAttributes.items()}
            text = json.loads(Message)["default"]
            notice = Notice(attributes["run"], attributes["status"], self._world.by.execution, text)
            self._world.note(notice)
            self.notices.append(notice)
            return {}

        answer = self._world.wire.call(f"Publish {Subject!r}", act)
        if self._world.kernel.chance(self._world.trouble.of("mails lost")):
            self._world.kernel.log("the answer to Publish is lost")
            self.excuse(self._world.by.execution)
            raise EndpointConnectionError(endpoint_url="https://aws")
        return answer

    def put_events(self, *, Entries: list[dict[str, Any]]) -> Any:
        return self._world.wire.call("PutEvents", lambda: {"Entries": [{"EventId": "e"} for _ in Entries]})

    def get_log_events(self, **_which: Any) -> Any:
        return self._world.wire.call("GetLogEvents", lambda: {"events": []})
