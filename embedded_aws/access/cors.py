"""The CORS rules of this embedded AWS's buckets, as moto keeps them."""

from collections.abc import Callable
from typing import Any

from moto.s3.models import s3_backends

from embedded_aws.access.origins import Rule

_PARTITION = "aws"


def rules_of(account: str) -> Callable[[str], list[Rule]]:
    """Return what tells a bucket's rules by its name; none for a bucket that is not there."""

    def rules(name: str) -> list[Rule]:
        bucket = s3_backends[account][_PARTITION].buckets.get(name)
        return [_rule(kept) for kept in bucket.cors] if bucket is not None else []

    return rules


def _rule(kept: Any) -> Rule:
    return Rule(
        origins=tuple(kept.allowed_origins or ()),
        methods=tuple(kept.allowed_methods or ()),
        headers=tuple(kept.allowed_headers or ()),
        exposed=tuple(kept.exposed_headers or ()),
        max_age=str(kept.max_age_seconds or ""),
    )
