"""IAM. Roles are kept and shown, but the embedded AWS lets everyone do everything."""

import contextlib
import json

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    words,
)

_ROLE = words("RoleName AssumeRolePolicyDocument Policies ManagedPolicyArns PermissionsBoundary Description Path")
_AWS_OWN = "arn:aws:iam::aws:policy/"  # AWS's own policies are not loaded: nothing is enforced here


def _create_role(context: Context, properties: Properties) -> PhysicalResource:
    iam, name = context.client("iam"), context.name(properties.get("RoleName"), longest=64)
    same = {key: properties[key] for key in ("Path", "Description", "PermissionsBoundary") if key in properties}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]), **same
    )["Role"]
    resource = PhysicalResource(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
    return _put_policies(context, resource, properties)


def _put_policies(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    iam = context.client("iam")
    for old in iam.list_role_policies(RoleName=resource.ref)["PolicyNames"]:
        iam.delete_role_policy(RoleName=resource.ref, PolicyName=old)
    for policy in properties.get("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=resource.ref, PolicyName=policy["PolicyName"], PolicyDocument=document)
    wanted = {arn for arn in properties.get("ManagedPolicyArns", []) if not arn.startswith(_AWS_OWN)}
    held = {
        policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=resource.ref)["AttachedPolicies"]
    }
    for arn in wanted - held:
        iam.attach_role_policy(RoleName=resource.ref, PolicyArn=arn)
    for arn in held - wanted:
        iam.detach_role_policy(RoleName=resource.ref, PolicyArn=arn)
    return resource


def _update_role(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    iam, boundary = context.client("iam"), properties.get("PermissionsBoundary")
    iam.update_assume_role_policy(RoleName=resource.ref, PolicyDocument=trust)
    iam.update_role_description(RoleName=resource.ref, Description=properties.get("Description", ""))
    if boundary:
        iam.put_role_permissions_boundary(RoleName=resource.ref, PermissionsBoundary=boundary)
    elif "PermissionsBoundary" in iam.get_role(RoleName=resource.ref)["Role"]:
        iam.delete_role_permissions_boundary(RoleName=resource.ref)
    return _put_policies(context, resource, properties)


def _delete_role(context: Context, resource: PhysicalResource) -> None:
    iam = context.client("iam")
    for name in iam.list_role_policies(RoleName=resource.ref)["PolicyNames"]:
        iam.delete_role_policy(RoleName=resource.ref, PolicyName=name)
    for policy in iam.list_attached_role_policies(RoleName=resource.ref)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=resource.ref, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=resource.ref)


def _create_profile(context: Context, properties: Properties) -> PhysicalResource:
    iam, name = context.client("iam"), context.name(properties.get("InstanceProfileName"), longest=128)
    profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    for role in properties["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return PhysicalResource(name, {"Arn": profile["Arn"]})


def _delete_profile(context: Context, resource: PhysicalResource) -> None:
    iam = context.client("iam")
    for role in iam.get_instance_profile(InstanceProfileName=resource.ref)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=resource.ref, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=resource.ref)


def _create_role_policy(context: Context, properties: Properties) -> PhysicalResource:
    role, name = properties["RoleName"], properties["PolicyName"]
    document = json.dumps(properties["PolicyDocument"])
    context.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    return PhysicalResource(f"{name}|{role}", {})


def _delete_role_policy(context: Context, resource: PhysicalResource) -> None:
    iam = context.client("iam")
    name, _, role = resource.ref.partition("|")
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):  # the role's own update takes it along
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def _create_managed(context: Context, properties: Properties) -> PhysicalResource:
    name, document = context.name(properties.get("ManagedPolicyName"), longest=128), properties["PolicyDocument"]
    same = {key: properties[key] for key in ("Path", "Description") if key in properties}
    made = context.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(document), **same)["Policy"]
    return PhysicalResource(made["Arn"], {"PolicyArn": made["Arn"], "PolicyId": made["PolicyId"]})


def _update_managed(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    iam, document = context.client("iam"), json.dumps(properties["PolicyDocument"])
    _drop_versions(context, resource)  # a policy has five versions at most
    iam.create_policy_version(PolicyArn=resource.ref, PolicyDocument=document, SetAsDefault=True)
    return resource


def _drop_versions(context: Context, resource: PhysicalResource) -> None:
    iam = context.client("iam")
    for version in iam.list_policy_versions(PolicyArn=resource.ref)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=resource.ref, VersionId=version["VersionId"])


def _delete_managed(context: Context, resource: PhysicalResource) -> None:
    iam = context.client("iam")
    held = iam.list_entities_for_policy(PolicyArn=resource.ref)
    for role in held["PolicyRoles"]:
        iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=resource.ref)
    for user in held["PolicyUsers"]:
        iam.detach_user_policy(UserName=user["UserName"], PolicyArn=resource.ref)
    for group in held["PolicyGroups"]:
        iam.detach_group_policy(GroupName=group["GroupName"], PolicyArn=resource.ref)
    _drop_versions(context, resource)
    iam.delete_policy(PolicyArn=resource.ref)


RESOURCE_TYPES = {
    "AWS::IAM::Role": ResourceType(
        _create_role,
        _delete_role,
        _ROLE,
        {"Tags": "only for people, in AWS's console"},
        update=_update_role,
        fixed=words("RoleName Path"),
    ),
    "AWS::IAM::InstanceProfile": ResourceType(_create_profile, _delete_profile, words("InstanceProfileName Roles")),
    "AWS::IAM::ManagedPolicy": ResourceType(
        _create_managed,
        _delete_managed,
        words("ManagedPolicyName PolicyDocument Path Description"),
        update=_update_managed,
        fixed=words("ManagedPolicyName Path Description"),
    ),
    "AWS::IAM::RolePolicy": ResourceType(
        _create_role_policy, _delete_role_policy, words("RoleName PolicyName PolicyDocument")
    ),
}
