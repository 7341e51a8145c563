"""Clients of an AWS on this machine: no variable, file or profile of the user's changes them."""

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
from botocore.configprovider import DEFAULT_S3_CONFIG_VARS as S3_VARIABLES

from embedded_aws.machine.surroundings import KEY_PREFIX, KeyPair
from gristmill.client.target import Target, Wanted, choose
from gristmill.errors import Unreachable
from tests.surroundings import CONFIG, NOWHERE

LOCAL = "http://localhost:45454"
SHOWN = """
from gristmill.client.target import Target
from embedded_aws.machine.surroundings import KeyPair
for service in ("s3", "cloudformation"):
    client = Target("http://localhost:45454", "us-east-1", pair=KeyPair("GM", "secret")).client(service)
    print(client.meta.endpoint_url, client.meta.region_name, client.meta.config.s3, client.meta.config.retries)
    print(client._endpoint.http_session._proxy_config._proxies, client._request_signer._credentials.token)
    if service == "s3":
        print(client.generate_presigned_url("get_object", {"Bucket": "mill", "Key": "k"}).partition("?")[0])
"""
OF_SERVICES = {f"AWS_ENDPOINT_URL_{service}": NOWHERE for service in ("S3", "CLOUDFORMATION")}


def clients_under(**variables: str) -> str:
    """Return what clients of a process of its own are made as."""
    here = {"PATH": "/usr/bin:/bin", **variables}
    shown = subprocess.run([sys.executable, "-c", SHOWN], env=here, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def all_of_botocore() -> dict[str, str]:
    """Return each variable that botocore reads, with a value that no client could be made with."""
    found = {}
    for _, names, _, _ in [*VARIABLES.values(), *S3_VARIABLES.values()]:
        for name in [names] if isinstance(names, str) else names or []:
            found[name] = "odd"
    return found


def test_no_variable_of_botocore_no_file_and_no_proxy_changes_a_local_client(tmp_path: Path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    (tmp_path / "broken").write_text("neither this [[ nor that")
    expected = clients_under(HOME=str(tmp_path / "none"))
    assert f"{LOCAL}/mill/k\n" in expected
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), NOWHERE)
    variables = all_of_botocore()
    assert len(variables) > 20
    assert clients_under(HOME=str(tmp_path), **proxies, **OF_SERVICES) == expected
    assert clients_under(**variables) == expected
    assert clients_under(AWS_CONFIG_FILE=str(tmp_path / "broken"), AWS_SESSION_TOKEN="odd") == expected


@pytest.mark.parametrize("region", ["eu-west-1", "US-EAST-1", "mars", ""])
def test_an_embedded_aws_has_its_own_region_whatever_the_users_is(region: str):
    environment = {"AWS_ENDPOINT_URL": LOCAL, "AWS_REGION": region, "GRISTMILL_HOME": "/nowhere"}
    assert choose(Wanted(), environment) == Target(LOCAL, "us-east-1")


def test_keys_of_aws_never_go_to_an_endpoint_on_this_machine():
    elsewhere = {"AWS_ENDPOINT_URL": LOCAL, "GRISTMILL_HOME": "/nowhere"}
    for key_id in ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "test", ""):
        target = choose(Wanted(), {**elsewhere, "AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": "secret"})
        assert target.pair is None
        for use in (lambda target=target: target.client("s3"), target.environment):
            with pytest.raises(Unreachable, match=r"gristmill local env"):
                use()
    pair = {"AWS_ACCESS_KEY_ID": f"{KEY_PREFIX}AAAA", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert choose(Wanted(), {**elsewhere, **pair}).pair == KeyPair(f"{KEY_PREFIX}AAAA", "secret")
    assert (
        choose(Wanted(), {**pair, "AWS_ENDPOINT_URL": "https://aws.example", "GRISTMILL_HOME": "/nowhere"}).pair is None
    )


@pytest.fixture
def fresh(monkeypatch) -> None:
    """Let boto3 read the configuration anew."""
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("fresh")
def test_real_aws_is_asked_as_the_users_configuration_has_it(tmp_path: Path, monkeypatch):
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-north-1\ns3 =\n  use_accelerate_endpoint = true\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    client = Target(None, None).client("s3")
    assert client.meta.region_name == "eu-north-1"
    assert client.meta.config.s3["use_accelerate_endpoint"] is True


@pytest.mark.usefixtures("fresh")
def test_only_an_endpoint_on_this_machine_is_overruled_by_aws(tmp_path: Path, monkeypatch):
    (tmp_path / "config").write_text("[default]\nregion = eu-north-1\nendpoint_url = https://vpce.example.org\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert choose(Wanted(aws=True), {}).client("sts").meta.endpoint_url == "https://vpce.example.org"
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    led = choose(Wanted(aws=True), {"AWS_ENDPOINT_URL": LOCAL}).client("sts")
    assert led.meta.endpoint_url.endswith(".amazonaws.com")
