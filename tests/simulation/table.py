"""DynamoDB in memory, as a client: items by key, written on the conditions that the catalogue has."""

from typing import TYPE_CHECKING, Any

from tests.simulation.facts import Entered
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.world import World

TABLE = "catalogue"


class Table:
    """The table; every method is that of the client."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.rows: dict[tuple[str, str], Any] = {}

    def put_item(
        self,
        *,
        TableName: str,
        Item: Any,
        ConditionExpression: str = "",
        ExpressionAttributeNames: dict[str, str] | None = None,
        ExpressionAttributeValues: dict[str, Any] | None = None,
    ) -> Any:
        key = (Item["kind"]["S"], Item["id"]["S"])

        def act() -> dict[str, Any]:
            old = self.rows.get(key)
            given = (ExpressionAttributeValues or {}).get(":version", {}).get("N")
            if ConditionExpression and not _holds(ConditionExpression, old, given):
                raise failure("ConditionalCheckFailedException", 400, "PutItem")
            self.rows[key] = Item
            if ConditionExpression:
                self._world.note(Entered(key, old, Item))
            return {}

        return self._world.wire.call(f"PutItem {key[0]}", act, True)

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> Any:
        assert ConsistentRead
        key = (Key["kind"]["S"], Key["id"]["S"])
        found = self.rows.get(key)
        return self._world.wire.call(f"GetItem {key[0]}", lambda: {"Item": found} if found else {})


def _holds(condition: str, old: Any, given: str | None) -> bool:
    """Return whether a condition holds of what stands there; one that is not known is an error."""
    if old is None:
        return "attribute_not_exists(#version)" in condition
    stands = int(old["version"]["N"])
    terms = {
        "attribute_not_exists(#version)": False,
        ":version = :version": True,
        "#version = :version": given is not None and stands == int(given),
        "#version <= :version": given is not None and stands <= int(given),
    }
    return any(terms[term] for term in condition.split(" OR "))
