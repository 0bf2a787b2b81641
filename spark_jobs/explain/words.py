"""Stories in words, for a terminal."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from spark_jobs.explain.stories import TOP, Pair, Pool, Post
from spark_jobs.rules.ad_money import MICROS


def lines_of_pair(story: Pair, ds: date) -> Iterator[str]:
    """Lines about a pair: from its sources to its place, or to the stage that lost it."""
    yield f"post {story.post_id} for user {story.user_id}, night of {ds}"
    for ad in story.ads:
        yield f"  ad          after rank {ad['after_rank']}: {describe_ad(ad)}"
    if story.candidate is None:
        why = "; ".join(story.kept_back) or "no source chose it within its limit"
        yield f"  candidates  lost: {why}"
        return
    shown = story.candidate
    place = f"place {shown['place']:,} of {shown['num']:,}"
    yield f"  candidates  proposed by {', '.join(shown['sources'])}; simple score {shown['simple_score']:.3f}, {place}"
    if story.scores is None:
        yield f"  score       lost: {_why_unscored(story)}"
        return
    shown = story.scores
    place = f"place {shown['place']:,} of {shown['num']:,}"
    yield f"  score       value {shown['value_score']:.4f}, {place}, by {shown['model_version']}"
    if story.parts:
        yield f"              {describe_parts(story.parts)}"
    if story.pool is None:
        own = f"{story.above} posts of its author are in it" if story.above else "none of its author's posts is in it"
        last = "the pool is empty" if story.last_value is None else f"the last of the pool has {story.last_value:.4f}"
        yield f"  rerank      lost: {last}; {own}"
        return
    drawn = f", drawn at random with probability {story.pool['propensity']:.3g}" * bool(story.pool["is_exploration"])
    yield f"  rerank      rank {story.pool['rank']}, because: {story.pool['reason']}{drawn}"


def _why_unscored(story: Pair) -> str:
    if not story.num_scored:
        return "the night has no score of it; rerun the stage score"
    return f"the light model chose {story.num_scored:,} others for the heavy one to score"


def lines_of_pool(story: Pool, ds: date, most: int) -> Iterator[str]:
    """Lines about a user's funnel, and the first ``most`` places of the pool."""
    yield f"user {story.user_id}, night of {ds}"
    sources = ", ".join(f"{name} {num:,}" for name, num in story.by_source.items()) or "none"
    yield f"  {story.candidates:,} candidates ({sources}), {story.scored:,} scored, {len(story.rows):,} in the pool"
    for row in story.rows[:most]:
        sources = ", ".join(row["sources"] or ["no candidate any more"])
        drawn = " · drawn at random" * bool(row["is_exploration"])
        why = f"{row['reason']} · {sources} · value {row['value_score']:.4f}{drawn}"
        yield f"  {row['rank']:>3}. post {row['post_id']} · {why}"
        if row["parts"]:
            yield f"       {describe_parts(row['parts'])}"
        for ad in story.ads:
            if ad["after_rank"] == row["rank"]:
                yield f"     . post {ad['post_id']} · {describe_ad(ad)}"


def lines_of_post(story: Post, ds: date) -> Iterator[str]:
    """Lines about a post in all pools, for its author."""
    author = "nobody known" if story.author_id is None else f"user {story.author_id}"
    yield f"post {story.post_id} by {author}, night of {ds}"
    for rule in story.kept_back:
        yield f"  {rule}"
    sources = ", ".join(f"{name} {num:,}" for name, num in story.by_source.items()) or "by no source"
    yield f"  candidates  proposed to {story.candidates:,} users ({sources})"
    if num_lost := story.candidates - story.scored:
        yield f"  score       lost to {num_lost:,} of them: the light model chose others for the heavy one to score"
    yield f"  rerank      lost to {story.scored - story.pools:,} of them; in {story.pools:,} pools"
    if story.ranks is not None:
        best, median, worst = story.ranks
        yield f"              ranks {best} to {worst}, median {median:g}; in the first {TOP} places of {story.tops:,}"


def describe_parts(parts: Mapping[str, Any]) -> str:
    """The parts of a value in words, the largest first."""
    largest = sorted(parts.items(), key=lambda part: -abs(part[1]))
    return " ".join(f"{name} {value:+.4f}" for name, value in largest)


def describe_ad(ad: Mapping[str, Any]) -> str:
    """An ad's place in words: what a click costs, how likely it is, and what 1,000 such places are expected to earn."""
    earns = f"{ad['bid_micros'] / MICROS:.2f} a click, clicked with {ad['p_click']:.2%}, eCPM {ad['ecpm']:.2f}"
    return f"ad {ad['ad_id']} of campaign {ad['campaign_id']}, {earns}"
