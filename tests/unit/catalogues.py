"""The catalogue's table as the template makes it, in this process."""

from typing import Any

import boto3

from embedded_aws.services.cloudformation.template import parse
from gristmill.catalogue.table import Catalogue
from tests.project import PROJECT

TABLE = "catalogue"


def make_catalogue() -> Catalogue:
    """Make the table, where moto is at work."""
    made: dict[str, Any] = parse((PROJECT / "template.yaml").read_text())["Resources"]["Catalogue"]["Properties"]
    client = boto3.client("dynamodb")
    shape = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    client.create_table(TableName=TABLE, **{name: made[name] for name in shape})
    return Catalogue(TABLE, client)
