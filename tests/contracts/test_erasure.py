"""The map of personal data has every column that may hold an id."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest

from contracts.erasure import (
    KEY_FILE_VARIABLE,
    LINE_FIELDS,
    LINE_LISTS,
    LINE_NAMES_NOBODY,
    LINE_OWNER,
    TRACES,
    hmac_pads,
    id_key,
    load_key,
)
from contracts.landing import EVENT_TYPES
from contracts.pipeline import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
_COLUMN = re.compile(r"^  (\w+) (BIGINT|ARRAY<BIGINT>|STRING)\b", re.MULTILINE)


def columns_that_may_name(layer: str, name: str) -> set[str]:
    """Columns of the DDL that hold a 64-bit integer or a list of them, or are called an id."""
    ddl = (ROOT / "sql" / layer / name / "ddl.sql").read_text()
    return {column for column, kind in _COLUMN.findall(ddl) if "BIGINT" in kind or column.endswith("_id")}


def test_every_table_and_every_column_that_may_hold_an_id_is_described() -> None:
    assert set(TRACES) == set(BY_NAME)
    for table in BY_NAME.values():
        trace = TRACES[table.full_name]
        known = {*trace.deleted_by, *trace.lists, *trace.owners, *trace.names_nobody}
        undescribed = columns_that_may_name(table.layer, table.name) - known
        assert undescribed == set(), f"{table.full_name}: say in contracts/erasure.py whom {undescribed} name"
        unlisted = known - set(
            re.findall(r"^  (\w+) ", (ROOT / "sql" / table.layer / table.name / "ddl.sql").read_text(), re.MULTILINE)
        )
        assert unlisted == set(), f"{table.full_name} has no {unlisted}"


def test_rows_with_a_persons_words_are_deleted_by_an_id() -> None:
    for table in BY_NAME.values():
        ddl = (ROOT / "sql" / table.layer / table.name / "ddl.sql").read_text()
        if re.search(r"^  (raw|text|name|detail) STRING", ddl, re.MULTILINE) and table.full_name != "silver.groups":
            trace = TRACES[table.full_name]
            assert trace.deleted_by or trace.lines, table.full_name


def test_every_field_of_a_landing_line_that_may_hold_an_id_is_described() -> None:
    known = {*LINE_FIELDS, *LINE_LISTS, LINE_OWNER, *LINE_NAMES_NOBODY}
    fields = {field.name for fields in EVENT_TYPES.values() for field in fields if field.type in ("long", "longs")}
    assert fields == known


@pytest.mark.parametrize("key", [b"k" * 32, b"k" * 64, b"k" * 65, bytes(range(200))])
def test_the_pads_are_those_of_hmac(key: bytes) -> None:
    inner, outer = hmac_pads(key)
    made = hashlib.sha256(outer + hashlib.sha256(inner + b"user:7").digest()).hexdigest()
    assert made == hmac.new(key, b"user:7", hashlib.sha256).hexdigest() == id_key(key, "user", 7)


def test_a_key_that_is_missing_or_short_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="FEEDLAKE_ERASURE_KEY_FILE must name the file"):
        load_key()
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "key"))
    (tmp_path / "key").write_text("short\n")
    with pytest.raises(ValueError, match="has 5 bytes, it needs 32"):
        load_key()
    (tmp_path / "key").write_text("x" * 32 + "\n")
    assert load_key() == b"x" * 32
