"""Rules between settings, checked after every single value is accepted."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.heads import HEADS
from contracts.settings import Settings, ValueWeights
from contracts.settings.kinds import Bounds, kinds_of, show
from contracts.settings.models import HEAVY, ROLES, STUDENT_PRESETS, TREE_PRESETS
from contracts.settings.serving import PRODUCTION_AUDIENCE


@dataclass(frozen=True)
class Rule:
    """A condition on the values of ``keys``; ``text`` is the condition in words."""

    keys: tuple[str, ...]
    holds: Callable[..., bool]
    text: str


def at_most(small: str, large: str) -> Rule:
    """One setting may not exceed another."""
    return Rule((small, large), lambda first, second: first <= second, f"{small} must be at most {large}")


def below(small: str, large: str) -> Rule:
    """One setting must be less than another."""
    return Rule((small, large), lambda first, second: first < second, f"{small} must be below {large}")


def some(*keys: str) -> Rule:
    """Not all of the settings may be 0."""
    return Rule(keys, lambda *values: any(value > 0 for value in values), f"one of {', '.join(keys)} must be above 0")


def in_one_process(role: str) -> Rule:
    """Trees are grown by one process."""
    return Rule(
        (f"models.{role}", "training.processes"),
        lambda preset, processes: preset not in TREE_PRESETS or processes == 1,
        f"trees are grown by one process: training.processes must be 1 if models.{role} is {' or '.join(TREE_PRESETS)}",
    )


def for_networks(key: str, off: Any, off_text: str) -> Rule:
    """A setting that only networks read is off if the night trains no network."""
    return Rule(
        (key, *(f"models.{role}" for role in ROLES)),
        lambda value, *presets: value == off or any(preset and preset not in TREE_PRESETS for preset in presets),
        f"{key} is for networks: it must be {off_text} if every model is {' or '.join(TREE_PRESETS)}",
    )


def may_add_value(weight: str) -> bool:
    """Whether the value weight may be above 0."""
    limit = kinds_of(ValueWeights)[weight].limit
    return isinstance(limit, Bounds) and limit.most > 0


RULES = (
    at_most("pool.size", "candidates.total"),
    at_most("pool.max_per_author", "audit.max_per_author"),
    at_most("audit.min_median_depth", "pool.size"),
    at_most("ads.every", "ads.every_for_fewer"),
    at_most("evaluation.light_examples", "evaluation.heavy_examples"),
    at_most("rules.short_text", "rules.long_text"),
    at_most("rules.read_ms", "rules.max_dwell_ms"),
    at_most("rules.completion_ms", "rules.max_dwell_ms"),
    at_most("content.fewest_posts", "content.sample_posts"),
    at_most("labels.fewest_posts", "labels.sample_posts"),
    at_most("labels.folds", "labels.fewest_posts"),
    at_most("erasure.min_text_characters", "erasure.text_characters"),
    at_most("reader.refresh_s", "erasure.reader_refresh_s"),
    at_most("reader.cursor_lifetime_s", "publish.key_ttl_s"),
    at_most("page.token_lifetime_s", "reader.max_token_lifetime_s"),
    Rule(
        ("reader.mode", "reader.token_audience"),
        lambda mode, audience: mode == "production" or audience != PRODUCTION_AUDIENCE,
        "a reader in demo mode gives tokens away: its reader.token_audience must not be production's, "
        f'"{PRODUCTION_AUDIENCE}"',
    ),
    at_most("collector.batch_events", "collector.events_per_minute"),
    # Without a label model, every post has the label's share as its risk; then no post may be withheld.
    below("labels.clickbait_share", "policy.clickbait"),
    below("labels.nsfw_share", "policy.nsfw"),
    below("labels.misinformation_share", "policy.misinformation"),
    some(*(f"value.{head.value_weight}" for head in HEADS if may_add_value(head.value_weight)), "value.quality"),
    some("new_users.demographic", "new_users.popularity", "new_users.interests"),
    some("new_posts.creator", "new_posts.content", "new_posts.affinity", "new_posts.draw"),
    some("simple_score.recency", "simple_score.engagement", "simple_score.relationship"),
    some("rerank.status", "rerank.photo", "rerank.video", "rerank.link"),
    some("rerank.under_1h", "rerank.under_6h", "rerank.under_24h", "rerank.older"),
    some(*(f"candidates.{source.name}" for source in CANDIDATE_SOURCES)),
    *map(in_one_process, ROLES),
    Rule(
        (f"models.{HEAVY}",),
        lambda preset: preset not in STUDENT_PRESETS,
        f"models.{HEAVY} must not be {' or '.join(STUDENT_PRESETS)}, whose teacher is the heavy model",
    ),
    Rule(
        ("training.device", "training.processes"),
        lambda device, processes: device != "cuda" or processes == 1,
        'a GPU trains in one process: training.processes must be 1, or training.device "cpu"',
    ),
    for_networks("training.device", "cpu", '"cpu"'),
    for_networks("training.bf16", off=False, off_text="false"),
    at_most("fan_out.many_friends", "fan_out.very_many_friends"),
    Rule(
        ("pool.size", "cascade.heavy_candidates", "models.light"),
        lambda size, most, light: not light or size <= most,
        "with a light model, pool.size must be at most cascade.heavy_candidates",
    ),
)


def contradictions(settings: Settings, origins: Mapping[str, str], refused: AbstractSet[str]) -> list[str]:
    """Broken rules, with each value and its origin; rules of a ``refused`` key are not checked."""
    problems = []
    for rule in RULES:
        values = [attrgetter(key)(settings) for key in rule.keys]
        if not refused & set(rule.keys) and not rule.holds(*values):
            given = zip(rule.keys, values, strict=True)
            shown = ", ".join(f"{key} = {show(value)} ({origins[key]})" for key, value in given)
            problems.append(f"{rule.text}: {shown}")
    return problems
