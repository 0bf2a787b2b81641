"""What each client needs to reach S3, from the usual AWS environment variables.

``AWS_ENDPOINT_URL`` (or ``AWS_ENDPOINT_URL_S3``), ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
``AWS_SESSION_TOKEN``, ``AWS_REGION`` (or ``AWS_DEFAULT_REGION``). Without keys there, each client uses its own chain:
profile, then the machine's role.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_REGION = "us-east-1"
CONNECT_S = 5
"""Seconds after which a server counts as not answering."""

READ_S = 60
ATTEMPTS = 3
"""Attempts of a request in all; a stage that fails after that can be run again."""

VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_EC2_METADATA_DISABLED",
)
"""Variables that a job's workers need too."""


@dataclass(frozen=True)
class S3Access:
    """How to reach S3: ``endpoint`` is None for AWS itself, keys are None where a client uses its own chain."""

    endpoint: str | None = None
    region: str = DEFAULT_REGION
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "S3Access":
        """Read the environment; an empty variable counts as unset."""

        def first(*names: str) -> str | None:
            return next((environment[name] for name in names if environment.get(name)), None)

        return cls(
            first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
            first("AWS_REGION", "AWS_DEFAULT_REGION") or DEFAULT_REGION,
            first("AWS_ACCESS_KEY_ID"),
            first("AWS_SECRET_ACCESS_KEY"),
            first("AWS_SESSION_TOKEN"),
        )

    @property
    def is_plain(self) -> bool:
        """Whether the endpoint speaks HTTP without TLS, as a server on this machine does."""
        return self.endpoint is not None and self.endpoint.startswith("http://")

    @property
    def for_spark(self) -> dict[str, str]:
        """Hadoop's settings of ``s3a``."""
        providers = "org.apache.hadoop.fs.s3a"
        provider = f"{providers}.{'TemporaryAWS' if self.session_token else 'SimpleAWS'}CredentialsProvider"
        keys = {"access.key": self.access_key, "secret.key": self.secret_key, "session.token": self.session_token}
        options: dict[str, str | None] = {
            "endpoint": self.endpoint,
            "endpoint.region": self.region,
            "path.style.access": "true" if self.endpoint else None,
            "connection.ssl.enabled": "false" if self.is_plain else "true",
            "connection.establish.timeout": f"{CONNECT_S}s",
            "connection.timeout": f"{READ_S}s",
            "attempts.maximum": str(ATTEMPTS),
            "retry.limit": str(ATTEMPTS),
            **(keys | {"aws.credentials.provider": provider} if self.access_key else {}),
        }
        return {f"fs.s3a.{name}": value for name, value in options.items() if value is not None}

    @property
    def for_delta_rs(self) -> dict[str, str]:
        """``storage_options``; a table version is put only if it does not exist yet."""
        options = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token,
            "AWS_ALLOW_HTTP": "true" if self.is_plain else None,
            "aws_conditional_put": "etag",
            "connect_timeout": f"{CONNECT_S}s",
            "timeout": f"{READ_S}s",
        }
        return {name: value for name, value in options.items() if value is not None}

    @property
    def for_arrow(self) -> dict[str, Any]:
        """Arguments of ``pyarrow.fs.S3FileSystem``, which Petastorm reads through, too."""
        scheme, _, server = (self.endpoint or "").rstrip("/").rpartition("://")
        arguments = {
            "scheme": scheme or None,
            "endpoint_override": server or None,
            "region": self.region,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "session_token": self.session_token,
            "connect_timeout": float(CONNECT_S),
            "request_timeout": float(READ_S),
        }
        return {name: value for name, value in arguments.items() if value is not None}

    @property
    def for_boto3(self) -> dict[str, Any]:
        """Arguments of ``boto3.client``, except ``config``."""
        arguments = {
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.session_token,
        }
        return {name: value for name, value in arguments.items() if value is not None}
