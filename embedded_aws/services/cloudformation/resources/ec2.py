"""The network: kept so that references resolve; on a laptop nothing is routed."""

from typing import Any

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    Create,
    PhysicalResource,
    Properties,
    ResourceType,
    nothing,
    request,
    words,
)

_TAGS = {"Tags": "only for people, in AWS's console"}


def _vpc(context: Context, properties: Properties) -> PhysicalResource:
    vpc = context.client("ec2").create_vpc(CidrBlock=properties["CidrBlock"])["Vpc"]["VpcId"]
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in properties:
            context.client("ec2").modify_vpc_attribute(VpcId=vpc, **{name: {"Value": bool(properties[name])}})
    return PhysicalResource(vpc, {"VpcId": vpc})


def _gateway(context: Context, _properties: Properties) -> PhysicalResource:
    resource = context.client("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    return PhysicalResource(resource, {"InternetGatewayId": resource})


def _attach(context: Context, properties: Properties) -> PhysicalResource:
    names = {"InternetGatewayId": properties["InternetGatewayId"], "VpcId": properties["VpcId"]}
    context.client("ec2").attach_internet_gateway(**names)
    return PhysicalResource(f"{names['InternetGatewayId']}|{names['VpcId']}")


def _detach(context: Context, resource: PhysicalResource) -> None:
    gateway, vpc = resource.ref.split("|")
    context.client("ec2").detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)


def _subnet(context: Context, properties: Properties) -> PhysicalResource:
    names = {key: properties[key] for key in ("VpcId", "CidrBlock", "AvailabilityZone") if key in properties}
    subnet = context.client("ec2").create_subnet(**names)["Subnet"]["SubnetId"]
    public = bool(properties.get("MapPublicIpOnLaunch", False))
    context.client("ec2").modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public})
    return PhysicalResource(subnet, {"SubnetId": subnet})


def _route_table(context: Context, properties: Properties) -> PhysicalResource:
    resource = context.client("ec2").create_route_table(VpcId=properties["VpcId"])["RouteTable"]["RouteTableId"]
    return PhysicalResource(resource, {"RouteTableId": resource})


def _route(context: Context, properties: Properties) -> PhysicalResource:
    context.client("ec2").create_route(**properties)
    return PhysicalResource(f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}")


def _delete_route(context: Context, resource: PhysicalResource) -> None:
    table, target = resource.ref.split("|")
    context.client("ec2").delete_route(RouteTableId=table, DestinationCidrBlock=target)


def _associate(context: Context, properties: Properties) -> PhysicalResource:
    return PhysicalResource(context.client("ec2").associate_route_table(**properties)["AssociationId"])


def _endpoint(context: Context, properties: Properties) -> PhysicalResource:
    resource = context.client("ec2").create_vpc_endpoint(**properties)["VpcEndpoint"]["VpcEndpointId"]
    return PhysicalResource(resource, {"Id": resource})


def _security_group(context: Context, properties: Properties) -> PhysicalResource:
    group = context.client("ec2").create_security_group(
        GroupName=context.name(properties.get("GroupName"), longest=255),
        Description=properties["GroupDescription"],
        VpcId=properties["VpcId"],
    )["GroupId"]
    rules = [_rule(rule) for rule in properties.get("SecurityGroupIngress", [])]
    if rules:
        context.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    return PhysicalResource(group, {"GroupId": group, "VpcId": properties["VpcId"]})


def _rule(rule: Properties) -> dict[str, Any]:
    arguments: dict[str, Any] = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    return {**arguments, "IpRanges": [{"CidrIp": rule["CidrIp"]}]}


def _placement_group(context: Context, _properties: Properties) -> PhysicalResource:
    """Give it a name alone: moto's EC2 has no placement groups."""
    return PhysicalResource(context.name(longest=255))


def _launch_template(context: Context, properties: Properties) -> PhysicalResource:
    name = context.name(properties.get("LaunchTemplateName"), longest=128)
    arguments = request(context.client("ec2"), "CreateLaunchTemplate", {**properties, "LaunchTemplateName": name})
    template = context.client("ec2").create_launch_template(**arguments)["LaunchTemplate"]
    version = str(template["LatestVersionNumber"])
    return PhysicalResource(
        template["LaunchTemplateId"], {"LatestVersionNumber": version, "DefaultVersionNumber": version}
    )


def _between_groups(way: str, peer: str) -> Create:
    """Return what makes a rule between security groups; `way` is ingress or egress."""

    def create(context: Context, properties: Properties) -> PhysicalResource:
        pair = {"GroupId": properties[peer]}
        arguments = {key: properties[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in properties}
        rule: dict[str, Any] = arguments | {"UserIdGroupPairs": [pair]}
        authorize = getattr(context.client("ec2"), f"authorize_security_group_{way}")
        resource = authorize(GroupId=properties["GroupId"], IpPermissions=[rule])["SecurityGroupRules"]
        return PhysicalResource(resource[0]["SecurityGroupRuleId"] if resource else f"{properties['GroupId']}-{way}")

    return create


_BETWEEN = "GroupId IpProtocol FromPort ToPort"
_DESCRIBED = {"Description": "only for people, in AWS's console"}

RESOURCE_TYPES = {
    "AWS::EC2::VPC": ResourceType(
        _vpc,
        lambda context, resource: context.client("ec2").delete_vpc(VpcId=resource.ref),
        words("CidrBlock EnableDnsSupport EnableDnsHostnames"),
        _TAGS,
    ),
    "AWS::EC2::InternetGateway": ResourceType(
        _gateway,
        lambda context, resource: context.client("ec2").delete_internet_gateway(InternetGatewayId=resource.ref),
        words(""),
        _TAGS,
    ),
    "AWS::EC2::VPCGatewayAttachment": ResourceType(_attach, _detach, words("VpcId InternetGatewayId")),
    "AWS::EC2::Subnet": ResourceType(
        _subnet,
        lambda context, resource: context.client("ec2").delete_subnet(SubnetId=resource.ref),
        words("VpcId CidrBlock AvailabilityZone MapPublicIpOnLaunch"),
        _TAGS,
    ),
    "AWS::EC2::RouteTable": ResourceType(
        _route_table,
        lambda context, resource: context.client("ec2").delete_route_table(RouteTableId=resource.ref),
        words("VpcId"),
        _TAGS,
    ),
    "AWS::EC2::Route": ResourceType(_route, _delete_route, words("RouteTableId DestinationCidrBlock GatewayId")),
    "AWS::EC2::SubnetRouteTableAssociation": ResourceType(
        _associate,
        lambda context, resource: context.client("ec2").disassociate_route_table(AssociationId=resource.ref),
        words("RouteTableId SubnetId"),
    ),
    "AWS::EC2::VPCEndpoint": ResourceType(
        _endpoint,
        lambda context, resource: context.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[resource.ref]),
        words("VpcEndpointType VpcId ServiceName RouteTableIds"),
    ),
    "AWS::EC2::PlacementGroup": ResourceType(
        _placement_group, nothing, words(""), {"Strategy": "a laptop is one host"}
    ),
    "AWS::EC2::LaunchTemplate": ResourceType(
        _launch_template,
        lambda context, resource: context.client("ec2").delete_launch_template(LaunchTemplateId=resource.ref),
        words("LaunchTemplateName LaunchTemplateData"),
    ),
    "AWS::EC2::SecurityGroupIngress": ResourceType(
        _between_groups("ingress", "SourceSecurityGroupId"),
        nothing,
        words(f"{_BETWEEN} SourceSecurityGroupId"),
        _DESCRIBED,
    ),
    "AWS::EC2::SecurityGroupEgress": ResourceType(
        _between_groups("egress", "DestinationSecurityGroupId"),
        nothing,
        words(f"{_BETWEEN} DestinationSecurityGroupId"),
        _DESCRIBED,
    ),
    "AWS::EC2::SecurityGroup": ResourceType(
        _security_group,
        lambda context, resource: context.client("ec2").delete_security_group(GroupId=resource.ref),
        words("GroupName GroupDescription VpcId SecurityGroupIngress"),
        {**_TAGS, "SecurityGroupEgress": "nothing is routed on a laptop"},
    ),
}
