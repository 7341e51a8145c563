"""EventBridge: rules."""

import json

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    request,
    words,
)


def _put_rule(context: Context, properties: Properties) -> PhysicalResource:
    events, name = context.client("events"), context.name(properties.get("Name"))
    pattern = {"EventPattern": json.dumps(properties["EventPattern"])} if "EventPattern" in properties else {}
    same = {key: properties[key] for key in ("Description", "State", "ScheduleExpression") if key in properties}
    arn = events.put_rule(Name=name, **pattern, **same)["RuleArn"]
    targets = [
        request(events, "PutTargets", {"Targets": [target]})["Targets"][0] for target in properties.get("Targets", [])
    ]
    if targets:
        events.put_targets(Rule=name, Targets=targets)
    return PhysicalResource(name, {"Arn": arn})


def _update_rule(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    events = context.client("events")
    wanted = {target["Id"] for target in properties.get("Targets", [])}
    gone = [
        target["Id"]
        for target in events.list_targets_by_rule(Rule=resource.ref)["Targets"]
        if target["Id"] not in wanted
    ]
    if gone:
        events.remove_targets(Rule=resource.ref, Ids=gone)
    return _put_rule(context, {**properties, "Name": resource.ref})


def _delete_rule(context: Context, resource: PhysicalResource) -> None:
    events = context.client("events")
    targets = [target["Id"] for target in events.list_targets_by_rule(Rule=resource.ref)["Targets"]]
    if targets:
        events.remove_targets(Rule=resource.ref, Ids=targets)
    events.delete_rule(Name=resource.ref)


RESOURCE_TYPES = {
    "AWS::Events::Rule": ResourceType(
        _put_rule,
        _delete_rule,
        words("Name Description State EventPattern ScheduleExpression Targets"),
        update=_update_rule,
        fixed=words("Name"),
    ),
}
