"""Usage in, dollars out."""

from dataclasses import dataclass, fields

from gristmill.cost.prices import US_EAST_1, Prices


@dataclass(frozen=True)
class Usage:
    """What a run used or will use; field for field what `Prices` prices."""

    state_transition: float = 0
    lambda_request: float = 0
    lambda_gb_second: float = 0
    vcpu_hour: float = 0
    gpu_hour: float = 0
    s3_write: float = 0
    s3_read: float = 0
    s3_gb_month: float = 0
    log_gb: float = 0


def bill(usage: Usage, prices: Prices = US_EAST_1) -> dict[str, float]:
    """Return dollars by item, and their sum as `total`."""
    items = {field.name: getattr(usage, field.name) * getattr(prices, field.name) for field in fields(Usage)}
    return {**items, "total": sum(items.values())}
