"""Batch's operations, each a function from the request's JSON to the answer's; called under the engine's lock."""

from embedded_aws.services.batch.api.common import Operation, Refusal
from embedded_aws.services.batch.api.definitions import Definitions
from embedded_aws.services.batch.api.environments import Environments
from embedded_aws.services.batch.api.jobs import Jobs
from embedded_aws.services.batch.api.policies import Policies
from embedded_aws.services.batch.api.queues import Queues
from embedded_aws.services.batch.api.tags import Tags
from embedded_aws.services.batch.engine.engine import Engine

__all__ = ["Operation", "Refusal", "operations"]


def operations(engine: Engine) -> dict[str, Operation]:
    """Return what is answered, by the operation's name in the service's model."""
    rooms = (Environments(engine), Queues(engine), Definitions(engine), Jobs(engine), Policies(engine), Tags(engine))
    return {name: operation for room in rooms for name, operation in room.operations().items()}
