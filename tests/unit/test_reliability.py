"""The page of promises names tests that exist; and what the template alone promises."""

import re

import pytest

from embedded_aws.services.cloudformation.template import parse
from tests.project import PROJECT

PAGE = (PROJECT / "docs" / "reliability.md").read_text()
PROMISES = re.findall(r"^## (\d+)\. (.+)\n((?:(?!^## ).*\n)*)", PAGE, re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
TEMPLATE = parse((PROJECT / "template.yaml").read_text())
RESOURCES = TEMPLATE["Resources"]


def test_every_promise_is_on_the_page():
    assert [int(number) for number, _, _ in PROMISES] == list(range(1, 13))


@pytest.mark.parametrize(("number", "title", "text"), PROMISES)
def test_every_promise_names_tests_that_exist(number: str, title: str, text: str):
    named = NAMED.findall(text)
    assert named, f"promise {number}, {title}, names no test"
    for file, test in named:
        assert f"def {test}(" in (PROJECT / file).read_text(), f"{file} has no {test}"


def test_the_bucket_is_private_encrypted_and_speaks_tls_alone():
    bucket = RESOURCES["Bucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    statements = RESOURCES["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Deny"}
    (deny,) = [statement for statement in statements if statement["Sid"] == "TlsOnly"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_environment_in_the_template_holds_a_secret():
    """Functions and jobs are told names and numbers; their rights come from their roles."""
    functions = [
        resource["Properties"] for resource in RESOURCES.values() if resource["Type"] == "AWS::Serverless::Function"
    ]
    collected = {name for function in functions for name in function.get("Environment", {}).get("Variables", {})}
    collected |= set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for each in RESOURCES.values():
        if each["Type"] == "AWS::Batch::JobDefinition":
            container = each["Properties"].get("ContainerProperties", {})
            collected |= {pair["Name"] for pair in container.get("Environment", [])}
    assert collected
    assert not [name for name in collected if re.search("SECRET|TOKEN|PASSWORD|CREDENTIAL|ACCESS_KEY", name)]
    assert not [name for name, item in TEMPLATE["Parameters"].items() if item.get("NoEcho")]  # it takes none either
