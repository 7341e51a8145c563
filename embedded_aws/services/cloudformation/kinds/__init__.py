"""The resource types that the embedded AWS knows. Another type is an error at deploy."""

from embedded_aws.services.cloudformation.kinds import (
    batch,
    functions,
    identity,
    machines,
    messaging,
    network,
    storage,
)
from embedded_aws.services.cloudformation.kinds.base import Kind

KINDS: dict[str, Kind] = {
    **storage.KINDS,
    **messaging.KINDS,
    **identity.KINDS,
    **network.KINDS,
    **functions.KINDS,
    **machines.KINDS,
    **batch.KINDS,
}
