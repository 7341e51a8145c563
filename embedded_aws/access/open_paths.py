"""What is answered without a signature. All else is refused: a new entry here needs its reason."""

from dataclasses import dataclass

from embedded_aws.lifecycle.proof import IDENTITY as IDENTITY_PATH


@dataclass(frozen=True)
class Open:
    """A kind of request that AWS, or this server, answers to anybody on this machine."""

    method: str
    path: str
    why: str


PREFLIGHT = Open("OPTIONS", "*", "browsers sign no preflight; the gate answers it by the bucket's CORS rules alone")
IDENTITY = Open("GET", IDENTITY_PATH, "proves to a client which server this is, before the client trusts it")
OPEN = (PREFLIGHT, IDENTITY)
