"""Find and redact landing lines that mention erased people: ingest refuses new lines, the erasure removes old ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.erasure import DISTINCTIVE, KINDS, LINE_FIELDS, LINE_LISTS, LINE_OWNER, NOBODY, Kind, hmac_pads

_NUMBER = r"(?<![0-9])[0-9]{7,19}(?![0-9])"
_LINE = ", ".join(
    [
        "event_type string, source_type string, source_id bigint",
        *(f"{name} bigint" for name in (*LINE_FIELDS, LINE_OWNER)),
        *(f"{name} array<bigint>" for name in LINE_LISTS),
    ]
)


@dataclass(frozen=True)
class ErasedIds:
    """Erased ids by kind."""

    user: frozenset[int] = frozenset()
    post: frozenset[int] = frozenset()
    page: frozenset[int] = frozenset()
    campaign: frozenset[int] = frozenset()

    @staticmethod
    def collect(pairs: Iterable[tuple[str, int]]) -> "ErasedIds":
        """Collect (kind, id) pairs."""
        known = list(pairs)
        return ErasedIds(**{kind: frozenset(i for k, i in known if k == kind) for kind in KINDS})

    def of(self, kind: Kind) -> list[int]:
        """Ids of one kind, sorted."""
        return sorted(getattr(self, kind))

    def distinctive(self) -> list[int]:
        """Ids of every kind that do not occur by chance, without sign, as in text."""
        return sorted({abs(i) for kind in KINDS for i in self.of(kind) if abs(i) >= DISTINCTIVE})


def parse_line(raw: Column) -> Column:
    """The fields of a landing line that may identify a person, as a struct; null if absent or not an id."""
    return F.from_json(raw, _LINE)


def is_theirs(line: Column, ids: ErasedIds) -> Column:
    """Whether the line (from ``parse_line``) is by an erased user, or about them, their post or their page."""
    named = [line[name].isin(ids.of(kind)) for name, kind in LINE_FIELDS.items()]
    is_page = line["event_type"] == "page_upserted"
    named += [line[LINE_OWNER].isin(ids.of("user")) & is_page]
    named += [(line["source_type"] == "page") & line["source_id"].isin(ids.of("page"))]
    return _any(named)


def is_touched(line: Column, ids: ErasedIds) -> Column:
    """Whether another person's line names an erased user in a list, or as the owner of a group."""
    users = _array(ids.of("user"))
    return _any([F.arrays_overlap(line[name], users) for name in LINE_LISTS] + [line[LINE_OWNER].isin(ids.of("user"))])


def redact(raw: Column, line: Column, ids: ErasedIds) -> Column:
    """The line without erased users in its lists, and with ``NOBODY`` for an erased owner; other lines unchanged."""
    users = _array(ids.of("user"))
    for name in LINE_LISTS:
        old = F.regexp_extract(raw, rf'"{name}"\s*:\s*(\[[^\]]*\])', 1)
        kept = F.filter(line[name], lambda one: ~F.coalesce(one.isin(ids.of("user")), F.lit(col=False)))
        raw = F.when(_any([F.arrays_overlap(line[name], users)]), F.replace(raw, old, F.to_json(kept))).otherwise(raw)
    disowned = F.regexp_replace(raw, rf'"{LINE_OWNER}"\s*:\s*-?[0-9]+', f'"{LINE_OWNER}": {NOBODY}')
    return F.when(_any([line[LINE_OWNER].isin(ids.of("user"))]), disowned).otherwise(raw)


def numbers_in(text: Column) -> Column:
    """Every number of seven or more digits in the text, without sign: for lines that cannot be parsed."""
    return F.array_compact(F.transform(F.regexp_extract_all(text, F.lit(_NUMBER), 0), lambda n: n.try_cast("bigint")))


def has_number_of(text: Column, ids: ErasedIds) -> Column:
    """Whether the text contains a distinctive erased id."""
    return _any([F.arrays_overlap(numbers_in(text), _array(ids.distinctive()))])


def with_id_key(named: DataFrame, key: bytes) -> DataFrame:
    """``named`` (kind, id) with ``id_key``, as ``contracts.erasure.id_key`` computes it.

    The pads are passed as a row, not as literals, so that the key is not in the query plan.
    """
    pads = [tuple(bytearray(pad) for pad in hmac_pads(key))]
    row = named.sparkSession.createDataFrame(pads, "inner_pad BINARY, outer_pad BINARY")
    message = F.concat_ws(":", F.col("kind"), F.col("id").cast("string")).cast("binary")
    inner = F.unhex(F.sha2(F.concat(F.col("inner_pad"), message), 256))
    keyed = named.crossJoin(F.broadcast(row)).withColumn("id_key", F.sha2(F.concat(F.col("outer_pad"), inner), 256))
    return keyed.drop("inner_pad", "outer_pad")


def _array(values: list[int]) -> Column:
    return F.array(*map(F.lit, values)).cast("array<bigint>")


def _any(conditions: list[Column]) -> Column:
    return reduce(or_, (F.coalesce(condition, F.lit(col=False)) for condition in conditions))
