"""Which landed lines are events, and why the others are refused; the rules come from ``contracts.landing``.

A line is parsed as a variant, which keeps the type that each value has in JSON, so that a wrong type is told apart
from a missing field and a 64-bit id never passes through a float. The contract is data to one expression, not code
per field: generated code for some eighty fields would not fit into a Java method.
"""

import json
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.landing import ENVELOPE, EVENT_TYPES, MAX_CLOCK_SKEW_S, Field, FieldType
from spark_jobs.ingest.plain_lines import PREFIX, TIMESTAMP

TIMED_TYPES = ("impression", "engagement", "reaction", "session")
"""Events that count for a day, so they may be late only by ``Dataset.late_days``; entities and edges may be later."""

_KINDS: dict[FieldType, tuple[str, ...]] = {
    "long": ("BIGINT",),
    "int": ("BIGINT",),
    "double": ("BIGINT", "DECIMAL", "DOUBLE"),
    "boolean": ("BOOLEAN",),
    "string": ("STRING",),
    "timestamp": ("STRING",),
    "strings": ("ARRAY<STRING>", "ARRAY<VOID>"),
    "longs": ("ARRAY<BIGINT>", "ARRAY<VOID>"),
}
"""Per field type, the variant types of acceptable JSON values; an integer beyond 64 bits is a DECIMAL."""

_RULES = (
    "array<struct<name: string, type: string, required: boolean, allowed: array<string>, kinds: array<string>, "
    "least: double, above: double, most: double, longest: int, bounds: string>>"
)
_DETAIL_CHARACTERS = 200
_OUT_OF_RANGE = 5
_FIELD_REASONS = {1: "missing_field", 2: "wrong_type", 4: "value_not_allowed", _OUT_OF_RANGE: "value_out_of_range"}
_UNKNOWN_TYPE_RANK = 3


def validate(lines: DataFrame, late_days: int) -> DataFrame:
    """Lines with ``event_id``, ``event_type``, ``event_time``, ``received_at``, ``reason`` and ``detail``.

    Grain: one line of ``lines``, which has the columns of ``landing_files.read_lines``. ``reason`` is null on an
    acceptable line; the first rule that a line breaks, in the order of docs/landing.md, names it. ``received_at`` is
    never before ``event_time``.
    """
    read = lines.withColumn("is_plain", F.col(f"{PREFIX}event_type").isNotNull())
    # A plain line is no business of the full reading: it reads null there, which costs nothing.
    events = read.withColumn("suspect", F.when(~F.col("is_plain"), F.col("raw"))).withColumn("parsed", _parsed())
    events = events.withColumn("values", F.try_variant_get("parsed", "$.event", "map<string,variant>"))
    events = events.withColumn("kinds", F.transform_values("values", lambda _, value: _kind(value)))
    events = events.withColumns({name: _told(name, _text(name)) for name in ("event_id", "event_type")})
    events = events.withColumn("broken", F.array_min(_broken_fields()))
    events = events.withColumns(
        {name: _told(name, F.try_to_timestamp(_text(name))) for name in ("event_time", "received_at")}
    ).withColumn("problem", F.coalesce(*_shape_problems(), *_time_problems(late_days)))
    verdicts = _computed_once(
        events.withColumn("received_at", F.greatest("received_at", "event_time")),
        reason=F.col("problem.reason"),
        detail=F.substring("problem.detail", 1, _DETAIL_CHARACTERS),
    )
    return verdicts.select(
        "source",
        "line",
        "raw",
        "landing_date",
        "event_id",
        "event_type",
        "event_time",
        "received_at",
        "reason",
        "detail",
    )


def _computed_once(frame: DataFrame, **columns: Column) -> DataFrame:
    """``frame`` with ``columns``, behind a generator, through which Spark pushes no filter.

    A filter on a projected column would copy its whole expression, and all that it is made of, down to the scan:
    generating code for that takes longer than a night's lines.
    """
    row = F.struct(*(column.alias(name) for name, column in columns.items()))
    return frame.select("*", F.inline(F.array(row)))


def _parsed() -> Column:
    """The suspect line as ``{"event": line}``; null where it is not one JSON value and nothing else."""
    # Spark's parsers ignore text after the first value, but no such text is valid in an array and in an object.
    alone = F.json_array_length(F.concat(F.lit("["), "suspect", F.lit("]"))) == 1
    wrapped = F.try_parse_json(F.concat(F.lit('{"event":'), "suspect", F.lit("}")))
    return F.when(alone & F.is_valid_utf8("suspect"), wrapped)


def _kind(value: Column) -> Column:
    """The value's type as JSON shows it, without a decimal's precision; ``VOID`` is null."""
    return F.substring_index(F.schema_of_variant(value), "(", 1)


def _string_in(value: Column) -> Column:
    """The string in a variant that holds one."""
    return F.try_variant_get(value, "$", "string")


def _text(name: str | Column) -> Column:
    """The value of a suspect line where it is a JSON string."""
    return F.when(F.col("kinds")[name] == "STRING", _string_in(F.col("values")[name]))


def _told(name: str, of_suspect: Column) -> Column:
    return F.when(F.col("is_plain"), F.col(PREFIX + name)).otherwise(of_suspect)


def _broken_fields() -> Column:
    """The fields that break a rule, as structs (rank, at, name, bounds): the least one is the first to report."""
    contract = json.dumps({name: _rules(fields) for name, fields in EVENT_TYPES.items()})
    own = F.from_json(F.lit(contract), f"map<string,{_RULES}>")
    envelope = F.from_json(F.lit(json.dumps(_rules(ENVELOPE))), _RULES)
    fields = F.concat(envelope, F.coalesce(own[F.col("event_type")], F.array().cast(_RULES)))
    fields = F.when(F.col("values").isNotNull(), fields)
    ranked = F.transform(
        fields,
        lambda field, at: F.struct(
            _rank(field).alias("rank"), at.alias("at"), *(field[told].alias(told) for told in ("name", "bounds"))
        ),
    )
    return F.filter(ranked, lambda broken: broken["rank"].isNotNull())


def _rules(fields: Sequence[Field]) -> list[dict[str, object]]:
    return [
        {
            "name": field.name,
            "type": field.type,
            "required": field.required,
            "allowed": field.allowed,
            "kinds": _KINDS[field.type],
            "least": field.least,
            "above": field.above,
            "most": field.most,
            "longest": field.longest,
            "bounds": field.bounds,
        }
        for field in fields
    ]


def _rank(field: Column) -> Column:
    """Which rule of ``_FIELD_REASONS`` the field breaks; null where none."""
    kind = F.coalesce(F.col("kinds")[field["name"]], F.lit("VOID"))
    value = F.col("values")[field["name"]]
    told = _string_in(value)
    is_absent = (kind == "VOID") | ((field["name"] == "event_id") & (told == ""))
    number = F.try_variant_get(value, "$", "double")
    in_type = (
        F.when(field["type"] == "timestamp", told.rlike(TIMESTAMP) & F.try_to_timestamp(told).isNotNull())
        .when(field["type"] == "int", F.try_variant_get(value, "$", "int").isNotNull())
        .when(field["type"] == "double", F.abs(number) < float("inf"))
        .otherwise(F.lit(col=True))
    )
    fits = F.array_contains(field["kinds"], kind) & F.coalesce(in_type, F.lit(col=False))
    is_refused = (F.size(field["allowed"]) > 0) & ~F.array_contains(field["allowed"], told)
    is_outside = (number < field["least"]) | (number <= field["above"]) | (number > field["most"])
    is_outside |= F.length(told) > field["longest"]  # what has no such bound is null, and null is not outside
    return (
        F.when(is_absent, F.when(field["required"], 1))
        .when(~fits, 2)
        .when(is_refused, 4)
        .when(is_outside, _OUT_OF_RANGE)
    )


def _shape_problems() -> list[Column]:
    """One JSON object, all fields present, all of their types, a known event type, values that the contract allows."""
    rank, name = F.col("broken.rank"), F.col("broken.name")
    is_unknown = ~F.col("event_type").isin(*EVENT_TYPES) & (F.coalesce(rank, F.lit(4)) > _UNKNOWN_TYPE_RANK)
    reason = F.element_at(F.create_map(*(F.lit(part) for item in _FIELD_REASONS.items() for part in item)), rank)
    length = F.concat(name, F.lit(" of "), F.length(_text(name)).cast("string"), F.lit(" characters"))
    outside = F.concat(F.coalesce(length, _shown(name)), F.lit(", must be "), F.col("broken.bounds"))
    detail = F.when(rank == 1, name).when(rank == _OUT_OF_RANGE, outside).otherwise(_shown(name))
    return [
        F.when(~F.col("is_plain") & F.col("parsed").isNull(), _problem(F.lit("malformed_json"))),
        F.when(~F.col("is_plain") & F.col("values").isNull(), _problem(F.lit("not_an_object"))),
        F.when(is_unknown, _problem(F.lit("unknown_event_type"), F.col("event_type"))),
        F.when(rank.isNotNull(), _problem(reason, detail)),
    ]


def _time_problems(late_days: int) -> list[Column]:
    ahead_us = F.unix_micros("event_time") - F.unix_micros("received_at") - MAX_CLOCK_SKEW_S * 1_000_000
    day_end = F.date_add("landing_date", 1).cast("timestamp")
    late = F.col("received_at") > F.col("event_time") + F.make_dt_interval(F.lit(late_days))
    return [
        F.when(ahead_us > 0, _problem(F.lit("future_event"), _shown(F.lit("event_time")))),
        F.when(F.col("received_at") >= day_end, _problem(F.lit("future_event"), _shown(F.lit("received_at")))),
        F.when(F.col("event_type").isin(*TIMED_TYPES) & late, _problem(F.lit("too_late"), _shown(F.lit("event_time")))),
    ]


def _shown(name: Column) -> Column:
    """``field=value``, the value as it stands in the line."""
    is_text = F.col("is_plain") | (F.col("kinds")[name] == "STRING")  # of a plain line, only times are shown
    value = F.call_function("get_json_object", F.col("raw"), F.concat(F.lit("$."), name))
    return F.concat(name, F.lit("="), F.when(is_text, F.concat(F.lit('"'), value, F.lit('"'))).otherwise(value))


def _problem(reason: Column, detail: Column | None = None) -> Column:
    return F.struct(reason.alias("reason"), (F.lit(None) if detail is None else detail).cast("string").alias("detail"))
