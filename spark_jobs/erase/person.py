"""Find the data of erased users: posts, pages and campaigns, and names and texts that nobody else has."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.erasure import TRACES
from contracts.settings import ErasureRules
from spark_jobs.erase.search_list import SearchList
from spark_jobs.night.lake import Lake
from spark_jobs.rules.erased_ids import ErasedIds

_NAMED = {
    "silver.users": "user_id",
    "silver.posts": "post_id",
    "silver.pages": "page_id",
    "silver.groups": "group_id",
    "silver.campaigns": "campaign_id",
    "silver.ads": "ad_id",
}
"""Every table of entities with ids of their own, and the id's column."""

_LINE = (
    "event_type string, user_id bigint, name string, page_id bigint, owner_id bigint, post_id bigint, "
    "author_id bigint, source_type string, source_id bigint, text string, campaign_id bigint, advertiser_id bigint"
)


def find_person(lake: Lake, users: Sequence[int], request_id: str, rules: ErasureRules) -> SearchList:
    """Search list of the users, from silver and from the landed lines, which also have old versions."""
    user_ids = tuple(sorted(set(users)))
    lines = landed(lake)
    pages = _ids(
        owned(lines.where("event_type = 'page_upserted'"), "page_id", "owner_id", user_ids),
        lake.read("silver.pages").select("page_id", "owner_id"),
        user_ids,
    )
    campaigns = _ids(
        owned(lines.where("event_type = 'campaign_upserted'"), "campaign_id", "advertiser_id", user_ids),
        lake.read("silver.campaigns").select("campaign_id", "advertiser_id"),
        user_ids,
    )
    is_post = F.col("event_type").isin("post_created", "post_updated")
    posts = _ids(
        owned(lines.where(is_post), "post_id", "author_id", user_ids),
        lake.read("silver.posts").select("post_id", "author_id"),
        user_ids,
    )
    on_page = (F.col("source_type") == "page") & F.col("source_id").isin(list(pages))
    on_pages = lake.read("silver.posts").where(on_page).select("post_id").collect()
    all_posts = tuple(sorted({*posts, *(row[0] for row in on_pages)}))
    candidates = phrases(lake, lines, user_ids, all_posts, rules)
    shared = borne_by_others(lake, candidates, user_ids, all_posts)
    own = tuple(phrase for phrase in candidates if phrase not in shared)
    search_list = SearchList(request_id, user_ids, all_posts, pages, campaigns, own, len(shared))
    return replace(search_list, borne=borne_by_something_else(lake, search_list.ids))


def borne_by_something_else(lake: Lake, ids: ErasedIds) -> tuple[int, ...]:
    """Distinctive numbers among ``ids`` that are also ids of another kind, or with the other sign."""
    numbers, remaining = ids.distinctive(), []
    for table, column in _NAMED.items():
        kind = TRACES[table].deleted_by.get(column)
        named = lake.read(table).where(F.abs(column).isin(numbers)).select(F.col(column).alias("id"))
        remaining.append(named if kind is None else named.where(~F.col("id").isin(ids.of(kind))))
    rows = reduce(DataFrame.unionByName, remaining).select(F.abs("id").alias("id")).distinct().collect()
    return tuple(sorted(row[0] for row in rows))


def landed(lake: Lake) -> DataFrame:
    """Fields of profiles, pages, campaigns and posts from every landed line, accepted or refused."""
    kinds = F.col("event_type").isin(
        "user_upserted", "page_upserted", "campaign_upserted", "post_created", "post_updated"
    )
    raw = lake.read("bronze.events").where(kinds).select("raw")
    raw = raw.unionByName(lake.read("bronze.quarantine").where(kinds | F.col("event_type").isNull()).select("raw"))
    return raw.select(F.from_json("raw", _LINE).alias("line")).select("line.*")


def owned(lines: DataFrame, identity: str, owner: str, users: Sequence[int]) -> DataFrame:
    """Ids that belong to one of the users by some line."""
    return lines.where(F.col(owner).isin(list(users)) & F.col(identity).isNotNull()).select(identity, owner)


def _ids(claimed: DataFrame, current: DataFrame, users: Sequence[int]) -> tuple[int, ...]:
    """Ids that belong to the users now, or did and belong to nobody now; a page that changed hands is left out."""
    identity, owner = current.columns
    now = current.where(F.col(owner).isin(list(users))).select(identity)
    others = current.where(~F.col(owner).isin(list(users))).select(identity)
    rows = now.unionByName(claimed.select(identity).join(others, identity, "left_anti")).distinct().collect()
    return tuple(sorted(row[0] for row in rows))


def phrases(
    lake: Lake, lines: DataFrame, users: Sequence[int], posts: Sequence[int], rules: ErasureRules
) -> tuple[str, ...]:
    """The users' names, and the beginnings of their longest texts."""
    is_user = F.col("user_id").isin(list(users))
    names = lake.read("silver.users").where(is_user).select("name")
    names = names.unionByName(lines.where(is_user & (F.col("event_type") == "user_upserted")).select("name"))
    long_enough = F.length("name") >= rules.min_name_characters
    name_phrases = [row[0] for row in names.where(long_enough).distinct().collect()]
    text = F.substring("text", 1, rules.text_characters).alias("text")
    texts = written(lake).where(F.col("post_id").isin(list(posts))).select(text)
    longest = (
        texts.where(F.length("text") >= rules.min_text_characters).distinct().orderBy(F.length("text").desc(), "text")
    )
    return tuple(sorted({*name_phrases, *(row[0] for row in longest.limit(rules.max_texts).collect())}))


def written(lake: Lake) -> DataFrame:
    """post_id and text of every version of every post."""
    latest, earlier = (lake.read(name).select("post_id", "text") for name in ("silver.posts", "silver.post_edits"))
    return latest.unionByName(earlier)


def borne_by_others(lake: Lake, candidates: Sequence[str], users: Sequence[int], posts: Sequence[int]) -> set[str]:
    """Phrases that also occur in another person's name or text, so that finding them proves nothing."""
    if not candidates:
        return set()
    users_, posts_ = list(users), list(posts)
    others = lake.read("silver.users").where(~F.col("user_id").isin(users_)).select("name")
    others = others.unionByName(lake.read("silver.pages").where(~F.col("owner_id").isin(users_)).select("name"))
    others = others.unionByName(lake.read("silver.groups").select("name"))
    texts = written(lake).where(~F.col("post_id").isin(posts_)).select(F.col("text").alias("name"))
    searched = lake.spark.createDataFrame([(phrase,) for phrase in candidates], "phrase STRING")
    shared = others.unionByName(texts).join(F.broadcast(searched), F.contains("name", "phrase"), "inner")
    return {row[0] for row in shared.select("phrase").distinct().collect()}
