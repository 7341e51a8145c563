"""What AWS's clients raise, as errors a user can mend."""

from typing import TYPE_CHECKING

from gristmill.client.embedded import TAKE_KEYS
from gristmill.client.outage import REFUSED_CREDENTIALS, Outage, outage_of
from gristmill.errors import GristmillError, NotFound, Unreachable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
_NOWHERE = "no embedded AWS was started from this folder or one above, and there are no AWS credentials."
_NEW_KEYS = f"It has new ones since it was started: {TAKE_KEYS}"
_LOGIN = "Log in (aws configure, aws sso login), or choose an AWS with --local or --endpoint-url."


def of_client(error: Exception) -> GristmillError:
    """Return the message for an error on this side of the wire: no credentials, no region, no connection."""
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError"):
        return Unreachable(_NOWHERE, f"Start one with: gristmill local up. For AWS: {_LOGIN}")
    if outage_of(error) is Outage.CREDENTIALS:
        return Unreachable(f"your AWS credentials cannot be had any more ({error}).", _LOGIN)
    if name == "NoRegionError":
        return Unreachable("no AWS region is set.", "Set AWS_REGION, or choose an AWS with --local or --endpoint-url.")
    if name == "ProfileNotFound":
        return Unreachable(f"{error}.", "Set AWS_PROFILE to one that `aws configure list-profiles` shows.")
    return Unreachable(str(error), "Check the network and the endpoint, then repeat the command.")


def of_service(error: "ClientError") -> GristmillError:
    """Return the message for a refusal by AWS: credentials, permissions, or the service's own words."""
    refusal, operation = error.response["Error"], error.operation_name
    code = refusal.get("Code", "")
    text = f"{operation}: {code}: {refusal.get('Message', '')}"
    if TAKE_KEYS in text:
        return Unreachable(f"this embedded AWS does not take these keys ({operation}: {code}).", _NEW_KEYS)
    if code in REFUSED_CREDENTIALS:
        return Unreachable(f"AWS does not take these credentials ({text}).", _LOGIN)
    if code in _DENIED:
        return Unreachable(f"not allowed: {text}.", "Ask for this permission, or choose another AWS_PROFILE.")
    if code == "InvalidObjectState":
        return GristmillError(f"{text}.", "It lies in the archive by now; restore it first: aws s3api restore-object")
    if code in ("NoSuchKey", "NoSuchBucket", "404", "NotFound"):
        return NotFound(f"{text}.", "It may have been deleted or have expired.")
    return GristmillError(f"AWS refused {text}.", "Repeat with --verbose to see where.")
