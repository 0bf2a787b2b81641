"""Opens places: folders on a disk or on S3, Arrow's file systems, leases on tables. Only S3 needs boto3."""

from contracts.folders import Folder, LocalFolder
from contracts.places import Location, Place


def open_folder(location: Location | Place) -> Folder:
    """The folder at a location, which need not exist; raises ``PlaceError`` for an invalid location."""
    place = location if isinstance(location, Place) else Place.parse(location)
    if not place.is_s3:
        return LocalFolder(place)
    from storage.s3 import S3Folder  # noqa: PLC0415 - environments without S3 do without boto3

    return S3Folder(place)
