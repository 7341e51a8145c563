"""Environments that a user may come with, each a way to lead a program astray."""

from pathlib import Path

NOWHERE = "http://127.0.0.1:9"
CONFIG = f"""
[default]
region = eu-west-1
endpoint_url = {NOWHERE}
ignore_configured_endpoint_urls = true
use_fips_endpoint = true
use_dualstack_endpoint = true
retry_mode = odd
max_attempts = odd
defaults_mode = odd
ca_bundle = /nowhere.pem
services = mine
s3 =
  use_accelerate_endpoint = true
  addressing_style = path
  signature_version = s3
[services mine]
s3 =
  endpoint_url = {NOWHERE}
"""
PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), NOWHERE)
# None takes a variable away; those of one environment do not hide each other
ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "proxies": {**PROXIES, "NO_PROXY": "", "REQUESTS_CA_BUNDLE": "/nowhere", "SSL_CERT_FILE": "/nowhere"},
    "a profile that is none": {"AWS_PROFILE": "nobody", "AWS_DEFAULT_PROFILE": "nobody"},
    "endpoints of services": {
        "AWS_ENDPOINT_URL_S3": NOWHERE,
        "AWS_ENDPOINT_URL_STS": NOWHERE,
        "AWS_ENDPOINT_URL_CLOUDFORMATION": NOWHERE,
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_DATA_PATH": "/nowhere",
    },
    "another region and account": {
        "AWS_REGION": "US-EAST-1",
        "AWS_DEFAULT_REGION": "mars",
        "AWS_SESSION_TOKEN": "odd",
        "AWS_ROLE_ARN": "odd",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": NOWHERE,
    },
    "odd values": {
        "AWS_DEFAULTS_MODE": "odd",
        "AWS_RETRY_MODE": "odd",
        "AWS_MAX_ATTEMPTS": "odd",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "odd",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "odd",
        "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "odd",
    },
    "a locale that is none": {"LANG": "xx_YY.odd", "LC_ALL": "xx_YY.odd", "TZ": "Mars/Phobos"},
    "Turkish": {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "TZ": ":"},
    "ASCII": {
        "LANG": "C",
        "LC_ALL": "POSIX",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
    "no home": {"HOME": None, "TMPDIR": "/nowhere", "USER": None, "LOGNAME": None},
    "a home that is none": {"HOME": "/nowhere", "XDG_CONFIG_HOME": "/nowhere"},
    "a terminal of no width": {"COLUMNS": "0", "LINES": "0", "TERM": "dumb", "FORCE_COLOR": "1"},
    "a terminal of any width": {"COLUMNS": "99999999", "TERM": None, "NO_COLOR": "1"},
    "strict Python": {
        "PYTHONWARNINGS": "error",
        "PYTHONSAFEPATH": "1",
        "PYTHONDEVMODE": "1",
        "PYTHONSTARTUP": "/nowhere",
    },
}
SHADOWS = ("random", "json", "boto3", "moto", "gristmill", "typing")  # what a folder may have modules of its own of


def worst(folder: Path) -> dict[str, str]:
    """Return all of them that can be had at once, with a configuration file of AWS in `folder`, and shadows there."""
    (folder / "aws-config").write_text(CONFIG)
    for name in SHADOWS:
        (folder / f"{name}.py").write_text("raise SystemExit('imported from the working folder')\n")
    merged = {
        name: value for environment in ENVIRONMENTS.values() for name, value in environment.items() if value is not None
    }
    return {**merged, "AWS_CONFIG_FILE": str(folder / "aws-config")}
