"""The network: kept so that references resolve; on a laptop nothing is routed."""

from typing import Any

from embedded_aws.services.cloudformation.kinds.base import (
    Create,
    Kind,
    Made,
    Properties,
    Site,
    nothing,
    request,
    words,
)

_TAGS = {"Tags": "only for people, in AWS's console"}


def _vpc(site: Site, properties: Properties) -> Made:
    vpc = site.client("ec2").create_vpc(CidrBlock=properties["CidrBlock"])["Vpc"]["VpcId"]
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in properties:
            site.client("ec2").modify_vpc_attribute(VpcId=vpc, **{name: {"Value": bool(properties[name])}})
    return Made(vpc, {"VpcId": vpc})


def _gateway(site: Site, _properties: Properties) -> Made:
    made = site.client("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    return Made(made, {"InternetGatewayId": made})


def _attach(site: Site, properties: Properties) -> Made:
    names = {"InternetGatewayId": properties["InternetGatewayId"], "VpcId": properties["VpcId"]}
    site.client("ec2").attach_internet_gateway(**names)
    return Made(f"{names['InternetGatewayId']}|{names['VpcId']}")


def _detach(site: Site, made: Made) -> None:
    gateway, vpc = made.ref.split("|")
    site.client("ec2").detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)


def _subnet(site: Site, properties: Properties) -> Made:
    names = {key: properties[key] for key in ("VpcId", "CidrBlock", "AvailabilityZone") if key in properties}
    subnet = site.client("ec2").create_subnet(**names)["Subnet"]["SubnetId"]
    public = bool(properties.get("MapPublicIpOnLaunch", False))
    site.client("ec2").modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public})
    return Made(subnet, {"SubnetId": subnet})


def _route_table(site: Site, properties: Properties) -> Made:
    made = site.client("ec2").create_route_table(VpcId=properties["VpcId"])["RouteTable"]["RouteTableId"]
    return Made(made, {"RouteTableId": made})


def _route(site: Site, properties: Properties) -> Made:
    site.client("ec2").create_route(**properties)
    return Made(f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}")


def _delete_route(site: Site, made: Made) -> None:
    table, target = made.ref.split("|")
    site.client("ec2").delete_route(RouteTableId=table, DestinationCidrBlock=target)


def _associate(site: Site, properties: Properties) -> Made:
    return Made(site.client("ec2").associate_route_table(**properties)["AssociationId"])


def _endpoint(site: Site, properties: Properties) -> Made:
    made = site.client("ec2").create_vpc_endpoint(**properties)["VpcEndpoint"]["VpcEndpointId"]
    return Made(made, {"Id": made})


def _security_group(site: Site, properties: Properties) -> Made:
    group = site.client("ec2").create_security_group(
        GroupName=site.name(properties.get("GroupName"), longest=255),
        Description=properties["GroupDescription"],
        VpcId=properties["VpcId"],
    )["GroupId"]
    rules = [_rule(one) for one in properties.get("SecurityGroupIngress", [])]
    if rules:
        site.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    return Made(group, {"GroupId": group, "VpcId": properties["VpcId"]})


def _rule(rule: Properties) -> dict[str, Any]:
    said: dict[str, Any] = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    return {**said, "IpRanges": [{"CidrIp": rule["CidrIp"]}]}


def _placement_group(site: Site, _properties: Properties) -> Made:
    """Give it a name alone: moto's EC2 has no placement groups."""
    return Made(site.name(longest=255))


def _launch_template(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("LaunchTemplateName"), longest=128)
    said = request(site.client("ec2"), "CreateLaunchTemplate", {**properties, "LaunchTemplateName": name})
    template = site.client("ec2").create_launch_template(**said)["LaunchTemplate"]
    version = str(template["LatestVersionNumber"])
    return Made(template["LaunchTemplateId"], {"LatestVersionNumber": version, "DefaultVersionNumber": version})


def _between_groups(way: str, peer: str) -> Create:
    """Return what makes a rule between security groups; `way` is ingress or egress."""

    def create(site: Site, properties: Properties) -> Made:
        pair = {"GroupId": properties[peer]}
        said = {key: properties[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in properties}
        rule: dict[str, Any] = said | {"UserIdGroupPairs": [pair]}
        authorize = getattr(site.client("ec2"), f"authorize_security_group_{way}")
        made = authorize(GroupId=properties["GroupId"], IpPermissions=[rule])["SecurityGroupRules"]
        return Made(made[0]["SecurityGroupRuleId"] if made else f"{properties['GroupId']}-{way}")

    return create


_BETWEEN = "GroupId IpProtocol FromPort ToPort"
_DESCRIBED = {"Description": "only for people, in AWS's console"}

KINDS = {
    "AWS::EC2::VPC": Kind(
        _vpc,
        lambda site, made: site.client("ec2").delete_vpc(VpcId=made.ref),
        words("CidrBlock EnableDnsSupport EnableDnsHostnames"),
        _TAGS,
    ),
    "AWS::EC2::InternetGateway": Kind(
        _gateway,
        lambda site, made: site.client("ec2").delete_internet_gateway(InternetGatewayId=made.ref),
        words(""),
        _TAGS,
    ),
    "AWS::EC2::VPCGatewayAttachment": Kind(_attach, _detach, words("VpcId InternetGatewayId")),
    "AWS::EC2::Subnet": Kind(
        _subnet,
        lambda site, made: site.client("ec2").delete_subnet(SubnetId=made.ref),
        words("VpcId CidrBlock AvailabilityZone MapPublicIpOnLaunch"),
        _TAGS,
    ),
    "AWS::EC2::RouteTable": Kind(
        _route_table,
        lambda site, made: site.client("ec2").delete_route_table(RouteTableId=made.ref),
        words("VpcId"),
        _TAGS,
    ),
    "AWS::EC2::Route": Kind(_route, _delete_route, words("RouteTableId DestinationCidrBlock GatewayId")),
    "AWS::EC2::SubnetRouteTableAssociation": Kind(
        _associate,
        lambda site, made: site.client("ec2").disassociate_route_table(AssociationId=made.ref),
        words("RouteTableId SubnetId"),
    ),
    "AWS::EC2::VPCEndpoint": Kind(
        _endpoint,
        lambda site, made: site.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[made.ref]),
        words("VpcEndpointType VpcId ServiceName RouteTableIds"),
    ),
    "AWS::EC2::PlacementGroup": Kind(_placement_group, nothing, words(""), {"Strategy": "a laptop is one host"}),
    "AWS::EC2::LaunchTemplate": Kind(
        _launch_template,
        lambda site, made: site.client("ec2").delete_launch_template(LaunchTemplateId=made.ref),
        words("LaunchTemplateName LaunchTemplateData"),
    ),
    "AWS::EC2::SecurityGroupIngress": Kind(
        _between_groups("ingress", "SourceSecurityGroupId"),
        nothing,
        words(f"{_BETWEEN} SourceSecurityGroupId"),
        _DESCRIBED,
    ),
    "AWS::EC2::SecurityGroupEgress": Kind(
        _between_groups("egress", "DestinationSecurityGroupId"),
        nothing,
        words(f"{_BETWEEN} DestinationSecurityGroupId"),
        _DESCRIBED,
    ),
    "AWS::EC2::SecurityGroup": Kind(
        _security_group,
        lambda site, made: site.client("ec2").delete_security_group(GroupId=made.ref),
        words("GroupName GroupDescription VpcId SecurityGroupIngress"),
        {**_TAGS, "SecurityGroupEgress": "nothing is routed on a laptop"},
    ),
}
