"""Arrow's file system of a place, for readers that take a file in parts."""

from typing import Any

from pyarrow import fs

from contracts.places import Place
from contracts.s3_access import S3Access


def file_system(place: Place) -> tuple[Any, str]:
    """The file system, and the place's path within it."""
    if place.is_s3:
        return fs.S3FileSystem(**S3Access.of().for_arrow), place.path
    return fs.LocalFileSystem(), place.path


def fetch(file: Place, copy: Place) -> None:
    """Copy a file, over an existing one."""
    (source, path), (target, copied) = file_system(file), file_system(copy)
    fs.copy_files(path, copied, source_filesystem=source, destination_filesystem=target)
