"""IAM's rule for a role with Allow statements alone: a call is allowed where one has its action and resource."""

import json
import operator
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call that was made: by which role, which IAM action, on what."""

    role: str
    action: str
    resource: str


@dataclass(frozen=True)
class Statement:
    """One Allow statement of a role."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def allows(self, call: Call) -> bool:
        """Tell whether it allows a call of its role."""
        named = any(fnmatchcase(call.action, action) for action in self.actions)
        return (
            call.role == self.role
            and named
            and any(fnmatchcase(call.resource, resource) for resource in self.resources)
        )


def statements(iam: Any, role: str, *, conditions: bool = False) -> Iterator[Statement]:
    """Yield the statements of a role's own policies; a kind that this evaluation does not know is an error.

    With `conditions`, those are taken to hold.
    """
    known = {"Sid", "Effect", "Action", "Resource", *(["Condition"] if conditions else [])}
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for statement in (document if isinstance(document, dict) else json.loads(document))["Statement"]:
            assert set(statement) <= known, statement
            assert statement["Effect"] == "Allow", statement
            yield Statement(
                role, statement.get("Sid", name), _several(statement["Action"]), _several(statement["Resource"])
            )


def denied(template: dict[str, Any], role: str, action: str) -> list[str]:
    """Return the resources, as patterns, that the bucket's policy keeps a role (its logical name) from over TLS."""
    document = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
    found: list[str] = []
    for statement in document["Statement"]:
        assert set(statement) <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}, statement
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*"), statement
        acts = any(fnmatchcase(action, pattern) for pattern in _several(statement["Action"]))
        if acts and _holds(statement.get("Condition", {}), role):
            found += [resource["Fn::Sub"] for resource in statement["Resource"] if "Fn::Sub" in resource]
    return found


def _holds(condition: dict[str, dict[str, Any]], role: str) -> bool:
    """Return whether a condition holds for a request by a role over TLS; an operator that is not known is an error."""
    context = {"aws:SecureTransport": "true", "aws:PrincipalArn": {"Fn::GetAtt": [role, "Arn"]}}
    operators = {"Bool": operator.eq, "ArnNotEquals": operator.ne}
    return all(
        operators[kind](wanted, context[name]) for kind, named in condition.items() for name, wanted in named.items()
    )


def read_calls(log: Path) -> set[Call]:
    """Return what the embedded AWS has noted."""
    rows = map(json.loads, log.read_text().splitlines())
    return {Call(row["role"], row["action"], row["resource"]) for row in rows}


def count_requests(log: Path, start: int) -> Counter[str]:
    """Count the requests to S3 and DynamoDB that were noted behind byte `start` of the log, as a bill calls them."""
    rows = [json.loads(line) for line in log.read_bytes()[start:].splitlines()]
    first = {row["request"]: row["action"] for row in reversed(rows)}  # a request's own action is noted first
    kinds = {
        "s3:ListBucket": "s3_write",
        "s3:PutObject": "s3_write",
        "s3:GetObject": "s3_read",
        "s3:GetObjectVersion": "s3_read",
        "dynamodb:PutItem": "table_write",
    }
    return Counter(kinds[action] for action in first.values() if action in kinds)


def refused(made: Iterable[Call], allowed: Iterable[Statement], roles: Iterable[str]) -> list[Call]:
    """Return the calls of some roles that none of their statements allows."""
    known, granted = set(roles), list(allowed)
    return [call for call in made if call.role in known and not any(statement.allows(call) for statement in granted)]


def unused(made: Iterable[Call], allowed: Iterable[Statement]) -> set[tuple[str, str, str]]:
    """Return role, statement and action of what is granted and has allowed no call, resource by resource."""
    calls = list(made)
    return {
        (statement.role, statement.sid, action)
        for statement in allowed
        for action in statement.actions
        for resource in statement.resources
        if not any(replace(statement, actions=(action,), resources=(resource,)).allows(call) for call in calls)
    }


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
