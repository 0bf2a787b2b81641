"""Locations of lake, landing, runs and artefacts, on a disk or on S3, and how each client spells them.

A location is a path, ``file:///path`` or ``s3://bucket/prefix``; people, settings and the environment know no other
spelling. Endpoint, region and credentials of S3 are in ``s3_access``.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Location = str | Path
"""A location as given by people."""

ARTEFACTS = "models"
"""The folder of models in a lake."""

_URI = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NAME = re.compile(r"[A-Za-z0-9.=+_-]+")
_ALLOWED = "allowed is a path, file:///path or s3://bucket/prefix"


class PlaceError(ValueError):
    """A location is not valid or cannot be used; the message names it and the fix."""


@dataclass(frozen=True)
class Place:
    """A parsed location. ``path`` is a path of this machine, or ``bucket/prefix`` on S3."""

    scheme: Literal["file", "s3"]
    path: str

    @classmethod
    def parse(cls, location: Location) -> "Place":
        """Parse a location; raises ``PlaceError`` if it is not valid."""
        text = str(location)
        match = _URI.fullmatch(text)
        scheme, rest = (match[1].lower(), match[2]) if match else ("", text)
        if not rest:
            raise PlaceError(f"{text!r} is no location: {_ALLOWED}")
        if scheme in ("", "file"):
            if scheme and not rest.startswith("/"):
                raise PlaceError(f"{text}: a file location is file:// and a path from the root: file:///path")
            return cls("file", rest.rstrip("/") or "/")
        if scheme in ("s3a", "s3n"):
            raise PlaceError(f"{text}: write s3://{rest}; Spark gets its own spelling from it")
        if scheme != "s3":
            raise PlaceError(f"{text}: {scheme}:// is not known; {_ALLOWED}")
        return cls("s3", _on_s3(text, rest.rstrip("/")))

    @property
    def is_s3(self) -> bool:
        """Whether it is on S3."""
        return self.scheme == "s3"

    @property
    def bucket(self) -> str:
        """The bucket, of a place on S3."""
        return self.path.partition("/")[0]

    @property
    def key(self) -> str:
        """The object's key, or the prefix of those below it, of a place on S3; empty for the whole bucket."""
        return self.path.partition("/")[2]

    @property
    def local(self) -> Path:
        """The path on this machine; raises ``PlaceError`` for a place on S3."""
        if self.is_s3:
            raise PlaceError(f"{self} lies on S3, where this needs a path of this machine")
        return Path(self.path)

    def below(self, *names: str) -> "Place":
        """The place of ``names``, one below the other; a name may contain folders."""
        return Place(self.scheme, "/".join([self.path.rstrip("/"), *names]))

    def __str__(self) -> str:
        """The location as people write it."""
        return f"s3://{self.path}" if self.is_s3 else self.path

    @property
    def for_spark(self) -> str:
        """Spark reads and writes S3 through Hadoop, whose scheme is ``s3a``."""
        return f"s3a://{self.path}" if self.is_s3 else self.path

    @property
    def for_petastorm(self) -> str:
        """The file URL for Petastorm."""
        return f"file://{self.local.absolute()}"


def table_below(lake: Place, name: str) -> Place:
    """The folder of the Delta table ``layer.name``."""
    return lake.below(*name.split("."))


def artefacts_of(lake: Place) -> Place:
    """The folder of a lake's models: one folder for each checkpoint, named by its version."""
    return lake.below(ARTEFACTS)


def checkpoint_path(model_version: str) -> str:
    """The folder of a model's checkpoint, relative to its lake."""
    return f"{ARTEFACTS}/{model_version}"


def _on_s3(text: str, path: str) -> str:
    bucket, *names = path.split("/")
    if not _BUCKET.fullmatch(bucket):
        raise PlaceError(f"{text}: {bucket!r} is no name of a bucket; {_ALLOWED}")
    for name in names:
        if not _NAME.fullmatch(name) or name in (".", ".."):
            raise PlaceError(f"{text}: {name!r} is no name in a prefix: use letters, digits and . = + _ -")
    return path
