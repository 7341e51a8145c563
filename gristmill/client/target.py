"""Where commands act: an embedded AWS on this machine, or an account and region of AWS."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from embedded_aws.door import KeyPair, ServerState, embedded_pair, find_server, is_another_users, leading_to
from gristmill.client.embedded import HOME, TAKE_KEYS
from gristmill.client.home import home
from gristmill.client.this_machine import LOOPBACK, is_on_this_machine, leading_here, places_here
from gristmill.errors import Unreachable

if TYPE_CHECKING:
    from botocore.config import Config

ENDPOINT = "AWS_ENDPOINT_URL"
_TAKE_THEM = f"Where it was started, or with its {HOME}: {TAKE_KEYS}"
_HOST = re.compile(r"[0-9A-Za-z._-]*[0-9A-Za-z_-]\.?|[0-9A-Fa-f:.]+")  # a name in ASCII, or an address
_IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_DEFAULT_REGION = "us-east-1"
_PROBE_SECONDS = 2.0
_TRIES = 4  # a person waits: fewer tries than a job's


@dataclass(frozen=True)
class Wanted:
    """What the user asked for by flags; nothing by default."""

    local: bool = False
    aws: bool = False
    endpoint: str | None = None


@dataclass(frozen=True)
class Target:
    """An AWS to talk to. `endpoint` None is AWS itself; `data` is the folder of a local one started here.

    `ignores_endpoints`: those that the user's configuration sets lead elsewhere. `pair` has the keys of a local one.
    """

    endpoint: str | None
    region: str | None
    data: Path | None = None
    ignores_endpoints: bool = False
    pair: KeyPair | None = None
    started_by: str = ""  # the program and version that started a local one

    @property
    def local(self) -> bool:
        """Return whether this is an embedded AWS on this machine."""
        return is_on_this_machine(self.endpoint)

    def client(self, service: str) -> Any:
        """Return a boto3 client; a local one knows nothing of the user's own configuration, credentials or proxies."""
        from gristmill.aws_clients import make_client
        from gristmill.client.isolated import isolated, without_endpoints, without_tls_settings

        settings: dict[str, Any] = {"config": self._config(service)}
        settings["session"] = isolated() if self.local else without_endpoints() if self.ignores_endpoints else None
        if self.endpoint:
            settings["endpoint_url"] = self.endpoint
        if self.region:
            settings["region_name"] = self.region
        if self.local:
            pair = self._own_pair()
            settings |= {"aws_access_key_id": pair.access_key_id, "aws_secret_access_key": pair.secret_access_key}
            with without_tls_settings():
                return make_client(service, **settings)
        client = make_client(service, **settings)
        if is_on_this_machine(client.meta.endpoint_url):
            raise _led_here(f"the AWS configuration leads {service} to {client.meta.endpoint_url}")
        return client

    def renew(self) -> None:
        """Have the next client read its user's credentials anew; those of a local one are its own."""
        if not self.local:
            import boto3

            boto3.setup_default_session()

    def _own_pair(self) -> KeyPair:
        if self.pair is None:
            raise Unreachable(
                f"the keys of the embedded AWS at {self.endpoint} are not known here, and it gets no others.",
                _TAKE_THEM,
            )
        return self.pair

    def _config(self, service: str) -> "Config":
        from botocore.config import Config

        more: dict[str, Any] = {"retries": {"mode": "standard", "total_max_attempts": _TRIES}}
        if service == "s3":
            more["signature_version"] = "s3v4"  # else boto3 presigns URLs in a way that new buckets refuse
        return Config(**more, proxies={}) if self.local else Config(**more)  # {} is none; None asks the environment

    def environment(self) -> dict[str, str]:
        """Return the environment that leads any AWS tool here."""
        return leading_to(self.endpoint or "", self.region or _DEFAULT_REGION, self._own_pair())

    def probe(self) -> None:
        """Raise Unreachable if nothing listens at a local endpoint: clients would try for a long time."""
        if not self.local or self.endpoint is None:
            return
        address = urlsplit(self.endpoint)
        try:
            socket.create_connection((address.hostname, address.port or 80), _PROBE_SECONDS).close()
        except OSError as error:
            raise Unreachable(
                f"nothing answers at {self.endpoint} ({error}).", "Start the embedded AWS with: gristmill local up"
            ) from error

    def describe(self) -> str:
        """Return where this is, in words; asks AWS for the account, unless this is local."""
        if self.local:
            return f"local ({self.endpoint})"
        identity = self.client("sts")
        via = f" ({self.endpoint})" if self.endpoint else ""
        return f"AWS account {identity.get_caller_identity()['Account']}, {identity.meta.region_name}{via}"


def choose(wanted: Wanted, environment: Mapping[str, str]) -> Target:
    """Return the AWS meant: flags first, then AWS_ENDPOINT_URL, then a live embedded AWS started here, then AWS."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if wanted.aws:
        return Target(None, region, ignores_endpoints=bool(leading_here(environment)))
    endpoint = _checked(wanted.endpoint or environment.get(ENDPOINT))
    if endpoint and not is_on_this_machine(endpoint):
        if not wanted.local:
            return _of_aws(endpoint, region, environment)
        if wanted.endpoint:
            raise Unreachable(f"{endpoint} is not on this machine.", "Leave out --local, or --endpoint-url.")
        endpoint = None  # the environment's
    state = find_server(home(environment))
    if endpoint and not (wanted.local and not wanted.endpoint and state):
        return _at(endpoint, state, environment)
    if state:
        return at_server(state)
    if wanted.local:
        raise Unreachable("no embedded AWS runs here.", "Start one with: gristmill local up")
    return _of_aws(None, region, environment)


def _of_aws(endpoint: str | None, region: str | None, environment: Mapping[str, str]) -> Target:
    """Return AWS, or what stands in for it elsewhere; Unreachable where a service of it would be this machine."""
    others = [name for name in leading_here(environment) if name != ENDPOINT]
    if others and not environment.get(_IGNORE):
        raise _led_here(f"{others[0]} leads to this machine")
    return Target(endpoint, region)


def _led_here(what: str) -> Unreachable:
    return Unreachable(
        f"{what}: keys of AWS are sent to nobody there.", f"Unset it, or have it ignored: --aws, or {_IGNORE}=true."
    )


def _checked(endpoint: str | None) -> str | None:
    """Return an endpoint if it is a URL of a server and nothing more; Unreachable for any other text."""
    if not endpoint:
        return None
    try:
        url = urlsplit(endpoint)
        is_plain = url.scheme in ("http", "https") and url.port != 0 and "@" not in url.netloc
        is_plain = is_plain and _HOST.fullmatch(url.hostname or "") is not None
    except ValueError:
        is_plain = False
    if not is_plain or not endpoint.isprintable() or " " in endpoint:
        raise Unreachable(f"{endpoint!a} is no URL of an AWS.", "One is http://HOST:PORT or https://HOST.")
    return endpoint


def at_server(state: ServerState) -> Target:
    """Return an embedded AWS by its state, with its user's keys."""
    pair = KeyPair(state.access_key_id, state.secret_access_key)
    return Target(state.endpoint, state.region, Path(state.data), pair=pair, started_by=state.started_by)


def _at(endpoint: str, state: ServerState | None, environment: Mapping[str, str]) -> Target:
    places = places_here(endpoint)
    if any(is_another_users(*place) for place in places):
        raise Unreachable(f"another user listens at {endpoint}: nothing is sent there.", f"Unset {ENDPOINT}.")
    if state is not None and all(place in [(address, state.port) for address in LOOPBACK] for place in places):
        return replace(at_server(state), endpoint=endpoint)
    return Target(endpoint, _DEFAULT_REGION, pair=embedded_pair(environment))  # an embedded AWS has one region
