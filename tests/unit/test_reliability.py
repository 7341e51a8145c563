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
    assert {one["Effect"] for one in statements} == {"Deny"}
    (deny,) = [one for one in statements if one["Sid"] == "TlsOnly"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_environment_in_the_template_holds_a_secret():
    """Functions and jobs are told names and numbers; their rights come from their roles."""
    functions = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::Serverless::Function"]
    told = {name for one in functions for name in one.get("Environment", {}).get("Variables", {})}
    told |= set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for one in RESOURCES.values():
        if one["Type"] == "AWS::Batch::JobDefinition":
            container = one["Properties"].get("ContainerProperties", {})
            told |= {pair["Name"] for pair in container.get("Environment", [])}
    assert told
    assert not [name for name in told if re.search("SECRET|TOKEN|PASSWORD|CREDENTIAL|ACCESS_KEY", name)]
    assert not [name for name, one in TEMPLATE["Parameters"].items() if one.get("NoEcho")]  # it takes none either
