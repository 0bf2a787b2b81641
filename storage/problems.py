"""Messages for failures of S3, each with the place, the problem and the fix."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from contracts.places import Place
from contracts.s3_access import S3Access

_NO_KEYS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_TOO_LATE = (ConnectTimeoutError, ReadTimeoutError)
_WRONG_KEYS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound", "ExpiredToken", "InvalidToken"}
)
_WRONG_REGION = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"})


def problem_of(error: ClientError | BotoCoreError, place: Place, access: S3Access) -> str:
    """The message for an error of boto3 about a place."""
    server = access.endpoint or "AWS"
    if isinstance(error, ClientError):
        code = str(error.response["Error"].get("Code", "?"))
        return f"{place}: {_refusal(code, error, place, access)}"
    if isinstance(error, _NO_KEYS):
        return f"{place}: there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if isinstance(error, _TOO_LATE):
        return f"{place}: {server} does not answer in time: is it the server that AWS_ENDPOINT_URL should name?"
    if isinstance(error, EndpointConnectionError | HTTPClientError):
        return f"{place}: {server} cannot be reached: check AWS_ENDPOINT_URL, and that the server is running"
    return f"{place}: {error}"


def _refusal(code: str, error: ClientError, place: Place, access: S3Access) -> str:
    server = access.endpoint or "AWS"
    if code in _WRONG_KEYS:
        return (
            f"{server} does not know these credentials ({code}): check AWS_ACCESS_KEY_ID, which is "
            f"{access.access_key or 'not set'}, and AWS_SECRET_ACCESS_KEY"
        )
    if code in ("AccessDenied", "403"):
        return f"{server} does not let {access.access_key or 'this user'} do that ({error.operation_name})"
    if code == "NoSuchBucket":
        return f"{server} has no bucket {place.bucket}: create it, or mend the location"
    if code in _WRONG_REGION:
        return f"the bucket lies in another region than {access.region} ({code}): set AWS_REGION"
    return f"{server} says {code}: {error.response['Error'].get('Message', '')} ({error.operation_name})"
