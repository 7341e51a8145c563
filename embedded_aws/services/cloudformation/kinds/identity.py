"""IAM. Roles are kept and shown, but the embedded AWS lets everyone do everything."""

import contextlib
import json

from embedded_aws.services.cloudformation.kinds.base import Kind, Made, Properties, Site, words

_ROLE = words("RoleName AssumeRolePolicyDocument Policies ManagedPolicyArns PermissionsBoundary Description Path")
_AWS_OWN = "arn:aws:iam::aws:policy/"  # AWS's own policies are not loaded: nothing is enforced here


def _create_role(site: Site, properties: Properties) -> Made:
    iam, name = site.client("iam"), site.name(properties.get("RoleName"), longest=64)
    same = {key: properties[key] for key in ("Path", "Description", "PermissionsBoundary") if key in properties}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]), **same
    )["Role"]
    made = Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
    return _put_policies(site, made, properties)


def _put_policies(site: Site, made: Made, properties: Properties) -> Made:
    iam = site.client("iam")
    for old in iam.list_role_policies(RoleName=made.ref)["PolicyNames"]:
        iam.delete_role_policy(RoleName=made.ref, PolicyName=old)
    for policy in properties.get("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=made.ref, PolicyName=policy["PolicyName"], PolicyDocument=document)
    wanted = {arn for arn in properties.get("ManagedPolicyArns", []) if not arn.startswith(_AWS_OWN)}
    held = {one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName=made.ref)["AttachedPolicies"]}
    for arn in wanted - held:
        iam.attach_role_policy(RoleName=made.ref, PolicyArn=arn)
    for arn in held - wanted:
        iam.detach_role_policy(RoleName=made.ref, PolicyArn=arn)
    return made


def _update_role(site: Site, made: Made, properties: Properties) -> Made:
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    iam, boundary = site.client("iam"), properties.get("PermissionsBoundary")
    iam.update_assume_role_policy(RoleName=made.ref, PolicyDocument=trust)
    iam.update_role_description(RoleName=made.ref, Description=properties.get("Description", ""))
    if boundary:
        iam.put_role_permissions_boundary(RoleName=made.ref, PermissionsBoundary=boundary)
    elif "PermissionsBoundary" in iam.get_role(RoleName=made.ref)["Role"]:
        iam.delete_role_permissions_boundary(RoleName=made.ref)
    return _put_policies(site, made, properties)


def _delete_role(site: Site, made: Made) -> None:
    iam = site.client("iam")
    for name in iam.list_role_policies(RoleName=made.ref)["PolicyNames"]:
        iam.delete_role_policy(RoleName=made.ref, PolicyName=name)
    for policy in iam.list_attached_role_policies(RoleName=made.ref)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=made.ref, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=made.ref)


def _create_profile(site: Site, properties: Properties) -> Made:
    iam, name = site.client("iam"), site.name(properties.get("InstanceProfileName"), longest=128)
    profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    for role in properties["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": profile["Arn"]})


def _delete_profile(site: Site, made: Made) -> None:
    iam = site.client("iam")
    for role in iam.get_instance_profile(InstanceProfileName=made.ref)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=made.ref, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=made.ref)


def _create_role_policy(site: Site, properties: Properties) -> Made:
    role, name = properties["RoleName"], properties["PolicyName"]
    document = json.dumps(properties["PolicyDocument"])
    site.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    return Made(f"{name}|{role}", {})


def _delete_role_policy(site: Site, made: Made) -> None:
    iam = site.client("iam")
    name, _, role = made.ref.partition("|")
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):  # the role's own update takes it along
        iam.delete_role_policy(RoleName=role, PolicyName=name)


KINDS = {
    "AWS::IAM::Role": Kind(
        _create_role,
        _delete_role,
        _ROLE,
        {"Tags": "only for people, in AWS's console"},
        update=_update_role,
        fixed=words("RoleName Path"),
    ),
    "AWS::IAM::InstanceProfile": Kind(_create_profile, _delete_profile, words("InstanceProfileName Roles")),
    "AWS::IAM::RolePolicy": Kind(_create_role_policy, _delete_role_policy, words("RoleName PolicyName PolicyDocument")),
}
