"""Batch's operations, each a function from the request's JSON to the answer's; called under the engine's lock."""

from gristmill.local.batch.api.common import Operation, Refusal
from gristmill.local.batch.api.definitions import Definitions
from gristmill.local.batch.api.environments import Environments
from gristmill.local.batch.api.jobs import Jobs
from gristmill.local.batch.api.policies import Policies
from gristmill.local.batch.api.queues import Queues
from gristmill.local.batch.api.tags import Tags
from gristmill.local.batch.engine import Engine

__all__ = ["Operation", "Refusal", "operations"]


def operations(engine: Engine) -> dict[str, Operation]:
    """Return what is answered, by the operation's name in the service's model."""
    rooms = (Environments(engine), Queues(engine), Definitions(engine), Jobs(engine), Policies(engine), Tags(engine))
    return {name: operation for room in rooms for name, operation in room.operations().items()}
