"""Ingest accepts what the collector accepts: both use one contract, and random bodies prove it."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.collector.actions import Submission, read_action, read_post
from serving.collector.config import CollectorConfig
from serving.collector.events import Event, RefusedError, read_batch
from spark_jobs.ingest.line_rules import judge
from tests.landing_page import EXAMPLES
from tests.odd_lines import ODD_LINES, TIMES, VALUES
from tests.serving.collector.collector_world import NOW, engagement, impression

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = CollectorConfig(redis_url="redis://unused")
SENT = (impression(1, city="Lisbon", arms=["a:b"], propensity=0.5), engagement(2, dwell_ms=5, impression_id="17:1"))
NAMES = sorted({name for event in (*SENT, *EXAMPLES) for name in event})
NEAR = [(NOW + timedelta(seconds=seconds)).isoformat() for seconds in (-259_201, -259_200, 0, 300, 301)]
values = st.sampled_from(VALUES) | st.sampled_from(TIMES) | st.sampled_from(NEAR) | st.text(max_size=4)


def reasons(events: list[Event]) -> list[str | None]:
    lines = pa.record_batch(
        {
            "raw": pa.array([event.line for event in events], pa.binary()).cast(pa.string()),
            "landing_date": pa.array([NOW.date()] * len(events), pa.date32()),
        }
    )
    found: list[str | None] = judge(lines, CONFIG.late_days).column("reason").to_pylist()
    return found


@st.composite
def sent_lines(draw: st.DrawFn) -> bytes:
    """An event with up to three fields changed, as JSON with odd spaces."""
    event: dict[str, Any] = dict(draw(st.sampled_from(SENT)))
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        if draw(st.booleans()):
            event[name] = draw(values)
        else:
            event.pop(name, None)
    text = json.dumps(event, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 1])))
    ends = draw(st.sampled_from([("", ""), (" ", "\t"), ("\r", "\r"), ("\ufeff", "")]))
    return (ends[0] + text.replace("\n", "\r") + ends[1]).encode(errors="surrogatepass")


def accepted(lines: list[bytes]) -> list[Event]:
    taken = []
    for line in lines:
        with suppress(RefusedError):
            taken += read_batch([line], 17, NOW, CONFIG)
    return taken


@settings(max_examples=25)
@given(st.lists(sent_lines(), min_size=15, max_size=30))
def test_ingest_accepts_the_events_that_the_collector_accepts(lines: list[bytes]) -> None:
    taken = accepted(lines)
    assert reasons(taken) == [None] * len(taken)
    assert all(b"\n" not in event.line for event in taken)


def test_some_drawn_events_are_accepted_and_some_odd_lines_are_read() -> None:
    odd = [line.encode(errors="surrogatepass") for line in ODD_LINES]
    assert len(accepted([json.dumps(event).encode() for event in SENT])) == len(SENT)
    assert reasons(accepted(odd)) == []


bodies = st.dictionaries(
    st.sampled_from(
        ["text", "privacy", "audience", "content_type", "hashtags", "mentions", "tags", "location", "detail"]
    ),
    values | st.sampled_from(["public", "only_me", "status", "link", "#a @7"]),
    max_size=5,
)


@settings(max_examples=25)
@given(st.lists(bodies, min_size=10, max_size=20), st.sampled_from([None, 1]))
def test_ingest_accepts_the_posts_and_actions_that_the_collector_accepts(
    some: list[dict[str, Any]], indent: int | None
) -> None:
    taken = []
    for fields in some:
        body = json.dumps({"text": "hello", "privacy": "public"} | fields, indent=indent).encode()
        comment = json.dumps({name: fields[name] for name in ("text", "detail") if name in fields}, indent=indent)
        reads: tuple[Callable[[], Event], ...] = (
            lambda body=body: read_post(Submission(17, "k", body, NOW), b"secret", CONFIG).event,  # type: ignore[misc]
            lambda text=comment: read_action(Submission(17, "k", text.encode(), NOW), "comment", 5, CONFIG),  # type: ignore[misc]
            lambda: read_action(Submission(17, "k", b"", NOW), "like", -(2**63), CONFIG),
        )
        for read in reads:
            with suppress(RefusedError):
                taken.append(read())
    assert reasons(taken) == [None] * len(taken)
    assert len(taken) >= len(some)
    assert all(b"\n" not in event.line for event in taken)
