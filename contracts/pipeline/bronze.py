"""Tables of bronze: lines as they landed."""

from contracts.pipeline.table import Table

_NOTED = ("bronze.files", "bronze.quarantine", "silver.arrivals")
"""Records of earlier reads of the landing area."""

TABLES: tuple[Table, ...] = (
    Table("bronze", "events", "ingest", ("event_id",), "landing_date", ("bronze.erasures",), earlier_inputs=_NOTED),
    Table("bronze", "files", "ingest", ("source",), None, ("bronze.events",)),
    Table("bronze", "quarantine", "ingest", ("writer", "source", "line"), "landing_date", ("bronze.events",)),
)

BESIDE_THE_NIGHT: tuple[Table, ...] = (Table("bronze", "erasures", "erase", ("id_key",), None),)
