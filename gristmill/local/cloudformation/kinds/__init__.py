"""The resource types that the embedded AWS knows. Another type is an error at deploy."""

from gristmill.local.cloudformation.kinds import compute, identity, messaging, network, storage
from gristmill.local.cloudformation.kinds.base import Kind

KINDS: dict[str, Kind] = {**storage.KINDS, **messaging.KINDS, **identity.KINDS, **network.KINDS, **compute.KINDS}
