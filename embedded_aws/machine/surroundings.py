"""The environment that leads any AWS client to an AWS on this machine, whatever else its user has set up. Pure."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

KEY_PREFIX = "GM"  # of each key id of an embedded AWS; none of AWS itself begins so
_NO_PROXY = ("NO_PROXY", "no_proxy")  # programs read one or the other
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_OF_SDKS = ("AWS_", "BOTO")
_OF_TASTE = ("AWS_PAGER", "AWS_CLI_", "AWS_DEFAULT_OUTPUT")  # how tools look, not where they go


@dataclass(frozen=True)
class KeyPair:
    """A key id and its secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def embedded_pair(environment: Mapping[str, str]) -> KeyPair | None:
    """Return the pair that an environment has for an embedded AWS; None for none, and for one of AWS itself."""
    key_id, secret = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    return KeyPair(key_id, secret) if key_id.startswith(KEY_PREFIX) and secret else None


def leading_to(endpoint: str, region: str, pair: KeyPair) -> dict[str, str]:
    """Return the variables of an AWS client's whole configuration: nothing is read from files."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": pair.access_key_id,
        "AWS_SECRET_ACCESS_KEY": pair.secret_access_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def unproxied(hosts: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables by which no proxy is asked for this machine and some hosts, nor for those exempt already."""
    exempt = [(environment or {}).get(name, "") for name in _NO_PROXY]
    names = [name.strip() for text in exempt for name in text.split(",") if name.strip()]
    return dict.fromkeys(_NO_PROXY, ",".join(dict.fromkeys([*names, *_THIS_MACHINE, *hosts])))


def astray(environment: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """Return the variables that could lead an AWS client elsewhere: those of SDKs that are none of the wanted ones."""
    found = (name for name in environment if name.startswith(_OF_SDKS) and not name.startswith(_OF_TASTE))
    return sorted(set(found) - set(wanted))
