"""Waiting out what passes while a run is followed: a lost connection, a busy AWS, credentials that have expired."""

from collections.abc import Callable, Mapping
from enum import StrEnum, unique
from ssl import SSLError
from typing import TYPE_CHECKING, Any, TypeVar

from embedded_aws.door import ServerState, is_running, read_state
from gristmill.clock import Clock
from gristmill.errors import Unreachable

if TYPE_CHECKING:
    from gristmill.client.stack import Stack

    pass

BOUND_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_RENEW = "aws sso login, aws configure"
T = TypeVar("T")

REFUSED_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
    *("InvalidToken", "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "AuthFailure"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"),
}
NO_CREDENTIALS = {  # what botocore raises on this side of the wire
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),
    *("MetadataRetrievalError", "RefreshWithMFAUnsupportedError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
    *("LoginTokenLoadError", "LoginRefreshRequired"),
}
_THROTTLED = {
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException"),
    *("TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException"),
    *("SlowDown", "PriorRequestNotComplete", "TransactionInProgressException", "EC2ThrottledException"),
    *("RequestTimeout", "RequestTimeoutException", "ServiceUnavailable", "ServiceUnavailableException"),
}
_STILL_EXPIRED = "Credentials were refreshed, but"  # botocore raises no error of its own here


@unique
class Outage(StrEnum):
    """What keeps AWS from answering, and passes."""

    CONNECTION = "connection"
    BUSY = "busy"
    CREDENTIALS = "credentials"


def outage_of(error: BaseException) -> Outage | None:
    """Return which outage an error is a sign of, None where it is none."""
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as NoConnection
    from urllib3.exceptions import HTTPError

    if isinstance(error, ClientError):
        return _of_answer(error.response, error.operation_name)
    if type(error).__name__ in NO_CREDENTIALS or str(error).startswith(_STILL_EXPIRED):
        return Outage.CREDENTIALS
    lost = (NoConnection, HTTPClientError, IncompleteReadError, HTTPError, ConnectionError, TimeoutError, SSLError)
    return Outage.CONNECTION if isinstance(error, lost) else None


def _of_answer(response: Mapping[str, Any], operation: str) -> Outage | None:
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in REFUSED_CREDENTIALS or (status == 400 and operation.startswith("Head")):  # a HEAD's answer has no body
        return Outage.CREDENTIALS
    return Outage.BUSY if code in _THROTTLED or status == 429 or status >= 500 else None


class LostSight(Unreachable):
    """Raised when AWS could not be asked for too long; what was followed goes on."""


class ServerGone(Unreachable):
    """Raised when the embedded AWS ended in the middle of what was followed."""


class Patience:
    """Asks again while an outage lasts, up to a bound; notes it once, and its end.

    `meanwhile` says what becomes of the thing asked about, `again` is the command that asks about it later.
    """

    def __init__(
        self,
        stack: "Stack",
        meanwhile: str,
        again: str,
        tell: Callable[[str], None],
        clock: Clock | None = None,
        bound: float | None = None,
    ) -> None:
        self._stack, self._meanwhile, self._again, self._tell = stack, meanwhile, again, tell
        self._clock, self._bound = clock or Clock(), BOUND_SECONDS if bound is None else bound
        self._server = _server(stack)
        self._began: float | None = None  # of the outage that lasts
        self._announced = False
        self._pause = 0.0

    def call(self, ask: Callable[[], T]) -> T:
        """Return the answer, however often it must be asked for."""
        while True:
            began = self._clock.now()
            try:
                answer = ask()
            except Exception as error:
                if not self.wait(error, began):
                    raise
            else:
                self.ease()
                return answer

    def wait(self, error: Exception, began: float) -> bool:
        """Wait after an error of a call that began at some time; return whether to ask again: False if it cannot pass.

        Raises LostSight where it has not passed in time, ServerGone where nobody is left to be asked.
        """
        self._check_server(error)
        outage = outage_of(error)
        if outage is None or (outage is Outage.CREDENTIALS and self._stack.target.local):  # whose keys never expire
            return False
        self._began = began if self._began is None else self._began
        if self._clock.now() + self._pause - self._began > self._bound:
            raise self._lost(outage, error) from error
        if outage is Outage.CREDENTIALS:
            self._stack.renew()
        if self._pause or outage is not Outage.CREDENTIALS:  # new ones may lie there already: looked for at once
            self._announce(outage, error)
        self._clock.sleep(self._pause)
        self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, 2 * self._pause))
        return True

    def ease(self) -> None:
        """Note an answer: an outage is over."""
        if self._announced and self._began is not None:
            self._tell(f"AWS answers again, after {self._clock.now() - self._began:.0f} s.")
        self._began, self._announced, self._pause = None, False, 0.0

    def _announce(self, outage: Outage, error: Exception) -> None:
        if self._announced:
            return
        self._announced = True
        minutes = f"{self._bound / 60:.0f} min"
        mend = f"renew them ({_RENEW}) within {minutes}" if outage is Outage.CREDENTIALS else f"trying for {minutes}"
        self._tell(f"{_WHAT[outage]} ({error}); {self._meanwhile}; {mend}.")

    def _lost(self, outage: Outage, error: Exception) -> LostSight:
        what = f"{_WHAT[outage]} ({error}); {self._meanwhile}."
        mend = f"Renew them ({_RENEW}), then" if outage is Outage.CREDENTIALS else "Once AWS can be reached"
        return LostSight(what, f"{mend}: {self._again}")

    def _check_server(self, error: Exception) -> None:
        if self._server is not None and not is_running(self._server):
            raise ServerGone(
                f"the embedded AWS at {self._server.endpoint} is down: its buckets, runs and stacks are lost.",
                "Results and mails that lie here stay. For anew: gristmill local up && gristmill deploy",
            ) from error


_WHAT = {
    Outage.CONNECTION: "the connection to AWS is lost",
    Outage.BUSY: "AWS is too busy to answer",
    Outage.CREDENTIALS: "your AWS credentials have expired or are no longer taken",
}


def _server(stack: "Stack") -> ServerState | None:
    return read_state(stack.target.data) if stack.target.data else None
