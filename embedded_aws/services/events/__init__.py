"""EventBridge of the embedded AWS: one way for every event, delivered beside the request that caused it."""

from embedded_aws.services.events.bus import close, dispatch, emit, install, is_wanted

__all__ = ["close", "dispatch", "emit", "install", "is_wanted"]
