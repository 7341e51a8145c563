"""The gate in front of all services: host, then origin, then signature; what passes is one caller of one service."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from embedded_aws.access import form, signature, sizes
from embedded_aws.access.answers import Answer, answer_to
from embedded_aws.access.claims import Claim
from embedded_aws.access.hosts import Named, named_by
from embedded_aws.access.open_paths import IDENTITY
from embedded_aws.access.origins import Rule, admitting, answer_headers, foreign_origin, is_preflight
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request, request_of

CLAIM = "embedded_aws.claim"  # in the WSGI environment: who calls which service, verified
PROVEN = "embedded_aws.proven"  # there too: what to call once the caller has proven itself
_SHOWN = 200  # characters of a path in the log
_NOT_HANDED_ON = ("HTTP_ORIGIN", "HTTP_X_MOTO_ACCOUNT_ID")  # moto would answer to the first, and obey the second
_CONTROL = "/v20180820/"  # S3 Control, below an account's virtual host
_MISDIRECTED = Answer(
    HTTPStatus.MISDIRECTED_REQUEST,
    (("content-type", "text/plain"),),
    b"This is an embedded AWS; it answers to localhost, and to a bucket's name below it, on its own port.\n",
)
Application = Callable[..., Any]
Environ = dict[str, Any]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rules:
    """What the gate goes by."""

    port: int
    region: str
    bridges: frozenset[str]
    secret_of: Callable[[str], str | None]
    cors_of: Callable[[str], Iterable[Rule]]
    take_keys: str  # how a shell gets the keys
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Head:
    """What the head of a request tells: its refusal, or a signature that is right, or a form that must show one."""

    refusal: Answer | None = None
    is_proven: bool = False
    signed_form: form.Signed | None = None


class Gate:
    """A WSGI application in front of another; `identity` answers the one open path of this server's own."""

    def __init__(self, application: Application, identity: Application, rules: Rules) -> None:
        self._application, self._identity, self._rules = application, identity, rules

    def __call__(self, environ: Environ, start_response: Application) -> Any:
        """Serve a request that is admitted; answer any other as AWS does."""
        request = request_of(environ)
        named = named_by(request, self._rules.port, self._rules.bridges)
        if named is None:
            return _give(_MISDIRECTED, request, start_response)
        try:
            return self._admit(request, named, environ, start_response)
        except Refused as refused:
            return _give(self.refusal_of(request, refused), request, start_response)

    def look_at_head(self, request: Request, length: int | None) -> Head:
        """Return what is known of a request before its body comes, so that nobody fills the disk with it.

        `length` is the body's, None where the request does not state it.
        """
        named = named_by(request, self._rules.port, self._rules.bridges)
        if named is None:
            return Head(_MISDIRECTED)
        try:
            self._cors(request, named)
            if form.is_form(request):
                sizes.check_form(length)
                return Head(signed_form=form.Signed(request, named.bucket, self._rules.secret_of, self._rules.now))
            claim = signature.verify_head(request, self._rules.secret_of, self._rules.now())
            if claim.service != "s3":
                sizes.check(claim.service, request, length)
        except Refused as refused:
            return Head(self.refusal_of(request, refused))
        return Head(is_proven=claim.service == "s3")

    def _admit(self, request: Request, named: Named, environ: Environ, start_response: Application) -> Any:
        cors = self._cors(request, named)
        if is_preflight(request):
            return _give(Answer(HTTPStatus.OK, tuple(cors)), request, start_response)
        if not cors and (request.method, request.path) == (IDENTITY.method, IDENTITY.path):
            return self._identity(environ, start_response)
        claim = self._verify(request, named)
        environ[PROVEN]()
        if claim.region != self._rules.region:
            raise Refused(Why.MALFORMED, claim.service, f"this embedded AWS has one region, {self._rules.region}")
        if cors and claim.service != "s3":
            raise Refused(Why.FOREIGN_ORIGIN, claim.service)
        return self._application(_admitted(environ, claim, named, self._rules.port), _with(start_response, cors))

    def _cors(self, request: Request, named: Named) -> list[tuple[str, str]]:
        """Return the headers that answer a foreign page, none for other callers; Refused where no rule admits it."""
        origin = foreign_origin(request)
        if origin is None and not is_preflight(request):
            return []
        bucket = named.bucket or unquote(request.path[1:].partition("/")[0])
        rule = admitting(self._rules.cors_of(bucket), request, origin) if origin else None
        if rule is None or origin is None:
            raise Refused(Why.FOREIGN_ORIGIN)
        return answer_headers(rule, request, origin)

    def refusal_of(self, request: Request, refused: Refused) -> Answer:
        """Return the answer to a request that is refused, which is logged."""
        log.info("refused %s %s: %s", request.method, request.path[:_SHOWN], refused)
        return answer_to(request, refused, self._rules.take_keys)

    def _verify(self, request: Request, named: Named) -> Claim:
        now = self._rules.now()
        if not form.is_form(request):
            return signature.verify(request, self._rules.secret_of, now)
        return form.verify(request, named.bucket, self._rules.secret_of, now)


def _admitted(environ: Environ, claim: Claim, named: Named, port: int) -> Environ:
    """Return what is handed on: a bucket always by its path, so that no Host chooses what is reached."""
    kept = {name: value for name, value in environ.items() if name not in _NOT_HANDED_ON}
    kept[CLAIM] = claim
    if not named.bucket or claim.service != "s3" or environ["PATH_INFO"].startswith(_CONTROL):
        return kept
    path, mark, query = environ["REQUEST_URI"].partition("?")
    inside = "" if path == "/" else path
    kept["PATH_INFO"] = f"/{named.bucket}" + ("" if path == "/" else environ["PATH_INFO"])
    kept["REQUEST_URI"] = kept["RAW_URI"] = f"/{named.bucket}{inside}{mark}{query}"
    kept["HTTP_HOST"] = f"localhost:{port}"
    return kept


def _with(start_response: Application, cors: list[tuple[str, str]]) -> Application:
    """Put the gate's own CORS headers in the place of the application's."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        own = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        return start_response(status, [*own, *cors], *rest)

    return start


def _give(answer: Answer, request: Request, start_response: Application) -> list[bytes]:
    headers = dict(answer.headers)
    headers.setdefault("content-length", str(len(answer.body)))
    start_response(f"{answer.status.value} {answer.status.phrase}", list(headers.items()))
    return [] if request.method == "HEAD" else [answer.body]
