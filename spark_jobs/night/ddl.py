"""The columns of a table by its ``sql/<layer>/<table>/ddl.sql``, and changes of an existing table to match them."""

import re
from pathlib import Path

from pyspark.sql.types import StructField, StructType

from contracts.features import FEATURES, Feature, features_of
from spark_jobs.night.feature_columns import type_of

SQL_FOLDER = Path(__file__).resolve().parent.parent.parent / "sql"


def read_schema(name: str) -> StructType:
    """Columns of the table's DDL; ``{features:<entity>}`` is expanded from the registry, in registry order."""
    text = (SQL_FOLDER / name.replace(".", "/") / "ddl.sql").read_text()

    def expand(match: re.Match[str]) -> str:
        if match[1] == "example":
            return ",\n  ".join(_feature_column(feature.example_column, feature) for feature in FEATURES)
        features = features_of(match[1])  # type: ignore[arg-type]
        return ",\n  ".join(_feature_column(feature.name, feature) for feature in features)

    columns = text[text.index("(\n") + 1 : text.rindex("\n)")]
    schema = StructType.fromDDL(re.sub(r"\{features:(\w+)\}", expand, columns))
    assert isinstance(schema, StructType)
    return schema


def additions(name: str, existing: StructType, declared: StructType) -> list[StructField]:
    """Nullable columns of the DDL (``declared``) that the existing table lacks; old rows are null there.

    A difference that existing rows cannot follow raises ``ValueError``: a changed type, a new column that is not
    nullable, a column that the DDL no longer has.
    """
    old, new = ({column.name: column for column in schema} for schema in (existing, declared))
    problems = [
        f"{column} is {old[column].dataType.simpleString()} in the table and {new[column].dataType.simpleString()} here"
        for column in old
        if column in new and old[column].dataType != new[column].dataType
    ]
    problems += [
        f"{column.name} {column.dataType.simpleString()} NOT NULL is new, and existing rows have no value for it"
        for column in declared
        if column.name not in old and not column.nullable
    ]
    problems += [f"{column} is in the table and not here" for column in old if column not in new]
    if problems:
        raise ValueError(
            f"{name}: the table cannot follow sql/{name.replace('.', '/')}/ddl.sql: {'; '.join(problems)}. "
            "Only nullable columns can be added: undo the change, or remove the table and run its nights again"
        )
    return [column for column in declared if column.name not in old]


def loosened(existing: StructType, declared: StructType) -> list[str]:
    """Columns that are nullable in the DDL (``declared``) and not in the existing table."""
    may_be_null = {column.name for column in declared if column.nullable}
    return [column.name for column in existing if not column.nullable and column.name in may_be_null]


def column_ddl(column: StructField) -> str:
    """A nullable column for ``ALTER TABLE ... ADD COLUMNS``, with its comment."""
    comment = str(column.metadata.get("comment", "")).replace("'", "\\'")
    return f"{column.name} {column.dataType.simpleString()} COMMENT '{comment}'"


def _feature_column(name: str, feature: Feature) -> str:
    doc = f"{feature.doc} [{feature.unit}]".replace("'", "")
    return f"{name} {type_of(feature)} NOT NULL COMMENT '{doc}'"
