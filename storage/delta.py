"""Delta tables opened without Spark, by delta-rs."""

from deltalake import DeltaTable

from contracts.places import Location, Place
from contracts.s3_access import S3Access


def delta_options(table: Place) -> dict[str, str] | None:
    """``storage_options`` of a table at a place; None on a disk."""
    return S3Access.of().for_delta_rs if table.is_s3 else None


def open_table(location: Location | Place, version: int | None = None) -> DeltaTable:
    """The table at a location, in its newest version or another one."""
    table = _place(location)
    return DeltaTable(str(table), version=version, storage_options=delta_options(table))


def is_table(location: Location | Place) -> bool:
    """Whether there is a Delta table at a location."""
    table = _place(location)
    return bool(DeltaTable.is_deltatable(str(table), storage_options=delta_options(table)))


def _place(location: Location | Place) -> Place:
    return location if isinstance(location, Place) else Place.parse(location)
