"""The page in headless Chromium, as wide as a phone: choose a user, read, page, look why, like, hide, comment, post."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.redis_keys import card_key, hidden_key
from tests.browser import Browser, chromium
from tests.nights import reader, service
from tests.serving.collector.collector_world import kept_in, lines_in
from tests.serving.reader_world import RedisServer, Seed, card_of

AUDIENCE = ("--set", "reader.token_audience=page-test")
HOSTILE = (
    "<script>window.stolen = 1</script>",
    "<img src=x onerror='window.stolen = 1'>",
    '"><svg onload="window.stolen = 1">',
    "\u202egnp.exe \u2066\u0000 javascript:window.stolen=1",
    "Z" * 3_000,
    "a\u0300" * 900,
)
SCREENSHOT = "FEEDLAKE_SCREENSHOT"


@pytest.fixture
def feeds() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def events(tmp_path: Path) -> Iterator[RedisServer]:
    yield from RedisServer.running(*kept_in(tmp_path))


def write_world(server: RedisServer) -> list[str]:
    """User 7 has 30 posts, the first of them hostile in every text; returns their ids in order."""
    seeds = [
        Seed(2**60 + n, author_id=100 + n, source="page" if n % 3 else "friend", score=1 - n / 50) for n in range(30)
    ]
    server.write_user(4, 7, seeds)
    server.write_public(4, "popular", seeds[10:20])
    for n, seed in enumerate(seeds):
        card: dict[str, Any] = json.loads(card_of(seed, 4))
        text = HOSTILE[n] if n < len(HOSTILE) else f"Post {n}: bread and bees, and what else the day brought."
        card["content"]["text"] = text
        if n < len(HOSTILE):
            card["author"]["name"] = card["source"]["name"] = text
        server.client.set(card_key(4, seed.post_id), json.dumps(card))
    server.flip(4)
    return [str(seed.post_id) for seed in seeds]


SHOWN = "return [...document.querySelectorAll('#feed article')].map((card) => card.dataset.post)"
TOLD = "return document.getElementById('told').textContent"
LEVEL = "return document.getElementById('level').textContent"


def test_a_person_reads_and_acts(feeds: RedisServer, events: RedisServer, tmp_path: Path) -> None:
    ids = write_world(feeds)
    patience = ("--set", "collector.redis_timeout_s=10", "--set", "collector.serving_timeout_s=5")
    taking = ("--redis", events.url, "--serving-redis", feeds.url, *AUDIENCE, *patience)
    with service("serving.collector", tmp_path / "collector", *taking) as (collector, _):
        demo = ("--set", "reader.mode=demo", *AUDIENCE, "--set", "page.collector_timeout_s=30")
        words = (*demo, "--collector", collector)
        with reader(feeds.url, tmp_path / "reader", *words) as serving, chromium() as browser:
            browser.open(f"{serving.url}/")
            read_the_feed(browser, ids)
            look_safe(browser)
            act(browser, ids)
            browser.click("#chooser button")
            again = browser.wait(SHOWN, lambda found: len(found) == 20)
            assert again == [one for one in ids if one != ids[9]][:20]
            assert feeds.client.sismember(hidden_key(7), ids[9])
            browser.type("#typed", "424242")
            browser.click("#chooser button")
            stranger = browser.wait(LEVEL, lambda text: "popular" in text)
            asked = "performance.getEntriesByType('resource').map((one) => new URL(one.name).origin)"
            assert browser.run(f"return [...new Set({asked})]") == [serving.url]
            assert browser.complaints() == []
    taken = [json.loads(line) for line in lines_in(events)]
    kinds = [one.get("engagement_type", one["event_type"]) for one in taken]
    assert kinds == ["like", "comment", "hide", "post_created"]
    assert {one.get("user_id", one.get("author_id")) for one in taken} == {7}
    print(
        f"page: Chromium, 390 px wide: 30 posts in 2 pages of epoch 4, {len(HOSTILE)} hostile ones shown as text; "
        f"hidden post gone from the next page, {len(taken)} events in the stream ({', '.join(kinds)}); "
        f"a stranger sees: {stranger.split(' · ')[1]}; requests to 1 origin; no complaint of the browser"
    )


def read_the_feed(browser: Browser, ids: list[str]) -> None:
    """Choose the first user, read both pages, and look why a post is here."""
    browser.wait("return document.querySelectorAll('#listed option').length")
    browser.click("#chooser button")
    assert browser.wait(SHOWN) == ids[:20]
    assert browser.run(LEVEL).startswith("epoch 4 · served from redis")
    browser.click("#more")
    assert browser.wait(SHOWN, lambda found: len(found) > 20) == ids
    assert browser.wait("return document.activeElement.dataset.post") == ids[20]
    card = card_selector(ids[8])
    browser.click(f"{card} summary")
    story = browser.run(f'return document.querySelector("{card} dl").innerText')
    assert "why it is here" in story
    assert ids[8] in story
    if os.environ.get(SCREENSHOT):
        browser.run(f'document.querySelector("{card_selector(ids[7])}").scrollIntoView()')
        browser.screenshot(Path(os.environ[SCREENSHOT]))


def look_safe(browser: Browser) -> None:
    """Hostile texts stand there as text, make no element, run nothing, and do not widen the page."""
    texts = browser.run("return [...document.querySelectorAll('.text')].map((text) => text.textContent)")
    assert [text[:40] for text in texts[: len(HOSTILE)]] == [text[:40] for text in HOSTILE]
    assert browser.run("return document.querySelectorAll('#feed script, #feed img, #feed svg').length") == 0
    assert browser.run("return window.stolen ?? null") is None
    assert browser.run("return [document.documentElement.scrollWidth, window.innerWidth]") == [390, 390]


def act(browser: Browser, ids: list[str]) -> None:
    """Like and comment one post, hide another, write one."""
    card = card_selector(ids[8])
    browser.click(f"{card} .actions > button")
    browser.wait(f'return document.querySelector("{card} [aria-pressed=true]") !== null')
    assert "2 likes" in browser.run(f'return document.querySelector("{card}").textContent')
    browser.click(f"{card} .actions > button")
    browser.wait(TOLD, lambda told: "like is taken back" in told)
    browser.click(f"{card} .actions > button")
    browser.wait(f'return document.querySelector("{card} [aria-pressed=true]") !== null')
    browser.type(f"{card} .actions input", "well <b>said</b>")
    browser.click(f"{card} .actions form button")
    browser.wait(TOLD, lambda told: "comment is kept" in told)
    browser.click(f"{card_selector(ids[9])} .actions > button + button")
    assert browser.wait(SHOWN, lambda found: len(found) == 29) == [one for one in ids if one != ids[9]]
    browser.type("#text", "hello #lake")
    browser.click("#composer button")
    browser.wait(TOLD, lambda told: "post is kept" in told)


def card_selector(post_id: str) -> str:
    return f"article[data-post='{post_id}']"
