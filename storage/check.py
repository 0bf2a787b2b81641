"""Check that the places of a command can be reached, before it does any work."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from contracts.places import Location, Place, PlaceError


def add_place(parser: argparse.ArgumentParser, name: str, what: str, *, is_needed: bool = True) -> None:
    """Add the option ``--name`` for a location; ``check_options`` parses and tries it."""
    parser.add_argument(f"--{name}", required=is_needed, help=f"{what}: a path, or s3://bucket/prefix")


def local_path(text: str) -> Path:
    """Type of an option for a place that must be on a disk of this machine."""
    try:
        return Place.parse(text).local
    except PlaceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace, *names: str) -> None:
    """Check the locations of the named options; ends the program with exit code 2 and a message if one is wrong."""
    try:
        check_places(location for name in names for location in _given(getattr(options, name)))
    except (PlaceError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def _given(value: str | list[str] | None) -> list[str]:
    """The locations of an option that may be left out, or given again and again."""
    return value if isinstance(value, list) else [value] if value else []


def check_places(locations: Iterable[Location]) -> None:
    """List one name of each bucket, and give up within seconds.

    Raises ``PlaceError`` for an invalid location, ``StorageError`` if S3 fails. A place on a disk is not checked: it
    may be created later.
    """
    checked: set[str] = set()
    for place in map(Place.parse, locations):
        if place.is_s3 and place.bucket not in checked:
            from storage.s3 import client, storage_errors  # noqa: PLC0415 - without S3, there need be no boto3

            checked.add(place.bucket)
            with storage_errors(place):
                client(is_check=True).list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
