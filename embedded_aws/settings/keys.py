"""The keys that this embedded AWS takes: its user's pair, and one derived for each role and for the server itself."""

import hmac
import secrets
from urllib.parse import quote, unquote

from embedded_aws.machine.surroundings import KEY_PREFIX, KeyPair

_SERVER = f"{KEY_PREFIX}.embedded-aws"
_INSTANCE = f"{KEY_PREFIX}.instance"  # of jobs without a role, as an instance's own profile on AWS
_ROLE = f"{KEY_PREFIX}.role."
_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def new_pair() -> KeyPair:
    """Return a random pair, in the shape of AWS's own."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(20 - len(KEY_PREFIX)))
    return KeyPair(KEY_PREFIX + key_id, secrets.token_hex(20))


class KeyRing:
    """Every pair that signs here. The secrets of roles come from one that never leaves the server's process."""

    def __init__(self, user: KeyPair, secret: bytes | None = None) -> None:
        self.user = user
        self._secret = secret or secrets.token_bytes(32)

    @property
    def server(self) -> KeyPair:
        """Return the pair of the embedded AWS's own clients."""
        return self._pair(_SERVER)

    def role(self, arn: str) -> KeyPair:
        """Return a role's pair; that of the instance for an empty ARN."""
        name = arn.rpartition("/")[2]
        return self._pair(f"{_ROLE}{quote(name, safe='')}" if name else _INSTANCE)

    def secret_of(self, access_key_id: str) -> str | None:
        """Return the secret of a key id, None for one that was never given out."""
        if hmac.compare_digest(access_key_id.encode(), self.user.access_key_id.encode()):
            return self.user.secret_access_key
        if access_key_id in (_SERVER, _INSTANCE) or access_key_id.startswith(_ROLE):
            return self._pair(access_key_id).secret_access_key
        return None

    def _pair(self, access_key_id: str) -> KeyPair:
        return KeyPair(access_key_id, hmac.new(self._secret, access_key_id.encode(), "sha256").hexdigest())


def role_of(access_key_id: str) -> str | None:
    """Return the name of the role that a key id tells; None for the user's and the server's own."""
    if access_key_id == _INSTANCE:
        return "instance"
    return unquote(access_key_id.removeprefix(_ROLE)) if access_key_id.startswith(_ROLE) else None
