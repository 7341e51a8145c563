"""Why a request is refused, and AWS's own words for it in the protocol of its service."""

from enum import Enum

_ANEW = "This embedded AWS has new keys of its own since it was started"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)


class Why(Enum):
    """A reason: S3's code, that of JSON services, that of query services, and the message."""

    UNKNOWN_KEY = (
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        f"The AWS access key id of this request is not known here. {_ANEW}",
    )
    UNSIGNED = (
        "AccessDenied",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        f"Missing authentication token: the request is not signed. {_ANEW}",
    )
    MISMATCH = ("SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch", _MISMATCH)
    SKEWED = (
        "RequestTimeTooSkewed",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "Signature expired: the difference between the request time and the server's is too large.",
    )
    EXPIRED = ("AccessDenied", "InvalidSignatureException", "RequestExpired", "Request has expired")
    TOO_EARLY = ("AccessDenied", "InvalidSignatureException", "SignatureDoesNotMatch", "Request is not yet valid")
    MALFORMED = (
        "AuthorizationHeaderMalformed",
        "IncompleteSignatureException",
        "IncompleteSignature",
        "The authorization header is malformed",
    )
    MALFORMED_QUERY = (
        "AuthorizationQueryParametersError",
        "IncompleteSignatureException",
        "IncompleteSignature",
        "The parameters of the query that sign the request are malformed",
    )
    OTHER_MECHANISM = (
        "InvalidRequest",
        "IncompleteSignatureException",
        "IncompleteSignature",
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    )
    UNSIGNED_HEADERS = (
        "AccessDenied",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "There were headers present in the request which were not signed",
    )
    OTHER_BODY = (
        "XAmzContentSHA256Mismatch",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
    BODY_HASH = (
        "InvalidRequest",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING value of AWS's, or a valid sha256 value.",
    )
    POLICY = (
        "AccessDenied",
        "AccessDeniedException",
        "AccessDenied",
        "Invalid according to Policy: Policy Condition failed",
    )
    FIELDS_TOO_LARGE = (
        "MaxPostPreDataLengthExceeded",
        "RequestEntityTooLargeException",
        "RequestEntityTooLarge",
        "Your POST request fields preceding the upload file were too large.",
    )
    TOO_LARGE = (
        "EntityTooLarge",
        "RequestEntityTooLargeException",
        "RequestEntityTooLarge",
        "The body of the request is larger than its service takes",
    )
    NO_LENGTH = (
        "MissingContentLength",
        "MissingContentLength",
        "MissingContentLength",
        "You must provide the Content-Length HTTP header: a body of an unknown size is taken with a signed head alone.",
    )
    NO_ROOM = (
        "SlowDown",
        "ThrottlingException",
        "Throttling",
        "Callers that have not proven themselves are sending too much at once: try again.",
    )
    UNREADABLE = (
        "MalformedXML",
        "SerializationException",
        "MalformedInput",
        "The body of the request, or a document in it, cannot be read, or is nested too deeply.",
    )
    NO_SERVICE = (
        "InvalidRequest",
        "UnknownOperationException",
        "InvalidAction",
        "This embedded AWS has no such service or operation",
    )
    FOREIGN_ORIGIN = (
        "AccessForbidden",
        "AccessDeniedException",
        "AccessDenied",
        "CORSResponse: This CORS request is not allowed: no CORS rule of the bucket admits its origin and method.",
    )


class Refused(Exception):
    """Raised when a request is not admitted; `service` is the one that it names, empty where it names none."""

    def __init__(self, why: Why, service: str = "", detail: str = "") -> None:
        super().__init__(why.name)
        self.why, self.service, self.detail = why, service, detail
