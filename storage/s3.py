"""Folders on S3 with boto3: a file is one object, so it is written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contracts.places import Place, PlaceError
from contracts.s3_access import ATTEMPTS, CONNECT_S, READ_S, S3Access
from storage.problems import problem_of

MISSING = frozenset({"NoSuchKey", "404"})


class StorageError(OSError):
    """S3 failed; the message names the place, the problem and the fix."""


def client(*, is_check: bool = False) -> Any:
    """A client for the current environment; one for a check gives up after its first attempt."""
    return _client(S3Access.of(), is_check)


@lru_cache(maxsize=8)
def _client(access: S3Access, is_check: bool) -> Any:
    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=CONNECT_S if is_check else READ_S,
        retries={"mode": "standard", "total_max_attempts": 1 if is_check else ATTEMPTS},
        s3={"addressing_style": "path" if access.endpoint else "auto"},
    )
    try:
        return boto3.session.Session().client("s3", config=config, **access.for_boto3)
    except ValueError as error:
        raise PlaceError(f"AWS_ENDPOINT_URL={access.endpoint}: {error}") from error


@contextmanager
def storage_errors(place: Place) -> Iterator[None]:
    """Convert errors of boto3 to ``StorageError``, or to ``FileNotFoundError`` if the object does not exist."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in MISSING:
            raise FileNotFoundError(f"{place}: there is no such file") from error
        raise StorageError(problem_of(error, place, S3Access.of())) from error


@dataclass(frozen=True)
class S3Folder:
    """A folder on S3: the objects whose keys begin with its own."""

    place: Place

    def below(self, *names: str) -> "S3Folder":
        """A folder in it."""
        return S3Folder(self.place.below(*names))

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
        file = self.place.below(name)
        try:
            with storage_errors(file):
                client().head_object(Bucket=file.bucket, Key=file.key)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """The object's content."""
        file = self.place.below(name)
        with storage_errors(file):
            content: bytes = client().get_object(Bucket=file.bucket, Key=file.key)["Body"].read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put the object: readers see the old one until the new one is complete."""
        file = self.place.below(name)
        with storage_errors(file):
            client().put_object(Bucket=file.bucket, Key=file.key, Body=content)

    def remove(self, name: str) -> None:
        """Delete the object; one that is not there is no error."""
        file = self.place.below(name)
        with storage_errors(file):
            client().delete_object(Bucket=file.bucket, Key=file.key)

    def files(self) -> list[str]:
        """In order of their names."""
        keys = (item["Key"] for page in self._pages() for item in page.get("Contents", ()))
        return sorted(key[len(self._prefix) :] for key in keys if not key.endswith("/"))

    def folders(self) -> list[str]:
        """In order of their names."""
        prefixes = (item["Prefix"] for page in self._pages(Delimiter="/") for item in page.get("CommonPrefixes", ()))
        return sorted(prefix[len(self._prefix) :].rstrip("/") for prefix in prefixes)

    @property
    def _prefix(self) -> str:
        return f"{self.place.key}/" if self.place.key else ""

    def _pages(self, **options: str) -> list[Any]:
        with storage_errors(self.place):
            pages = client().get_paginator("list_objects_v2")
            return list(pages.paginate(Bucket=self.place.bucket, Prefix=self._prefix, **options))
