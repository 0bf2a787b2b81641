"""The Python worker of ads: it fills the places of one group of users, whatever their order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.settings import AdRules
from spark_jobs.rerank.ads.auction import Draw, Ints, Offers, Users, auction, share_of_group
from spark_jobs.rerank.ads.places import ad_places

Bools = NDArray[np.bool_]

PLACED = {
    "user_id": pa.int64(),
    "place": pa.int32(),
    "after_rank": pa.int32(),
    "ad_id": pa.int64(),
    "campaign_id": pa.int64(),
    "post_id": pa.int64(),
    "bid_micros": pa.int64(),
    "p_click": pa.float64(),
    "ecpm": pa.float64(),
}
SCHEMA = (
    "user_id BIGINT, place INT, after_rank INT, ad_id BIGINT, campaign_id BIGINT, post_id BIGINT, bid_micros BIGINT, "
    "p_click DOUBLE, ecpm DOUBLE"
)
UNKNOWN_AGE, ELSEWHERE = -1, -2


@dataclass(frozen=True)
class AdPlan:
    """What every group needs: the offers, the codes of targeted countries and names of interests, the rules.

    ``year`` is that of the day for which the ads are.
    """

    offers: Offers
    countries: dict[str, int]
    topics: list[str]
    rules: AdRules
    draw: Draw
    num_groups: int
    year: int


def fill_group(plan: AdPlan, table: pa.Table) -> pa.Table:
    """The ads of one group of users (``SCHEMA``), by user and place.

    ``table`` has a row per user: group, user_id, length, sensitive (ranks), barred (posts of ads), country, interests,
    birth_year, asks_fewer and readiness.
    """
    table = table.sort_by("user_id").combine_chunks()
    offers, users = plan.offers, users_of(plan, table)
    share = share_of_group(offers, table["group"][0].as_py(), plan.num_groups, plan.draw)
    won = auction(offers, users, share, plan.draw)
    row, place = np.nonzero(won >= 0)
    ad = won[row, place]
    p_click = np.minimum(1.0, offers.click_rate[ad] * users.readiness[row])
    columns = {
        "user_id": users.user[row],
        "place": place + 1,
        "after_rank": users.places[row, place],
        "ad_id": offers.ad_id[ad],
        "campaign_id": offers.campaign_id[ad],
        "post_id": offers.post_id[ad],
        "bid_micros": offers.bid_micros[ad],
        "p_click": p_click,
        "ecpm": 1000.0 * offers.strength[ad] * (p_click / offers.click_rate[ad]),
    }
    return pa.table({name: pa.array(columns[name]).cast(kind) for name, kind in PLACED.items()})


def users_of(plan: AdPlan, table: pa.Table) -> Users:
    """The users of a group as arrays."""
    length, asks = _numbers(table, "length"), _numbers(table, "asks_fewer")
    every = np.where(asks > 0, plan.rules.every_for_fewer, plan.rules.every)
    ranks = _matrix(table, "sensitive", pa.array(np.arange(1, length.max(initial=0) + 1)))
    posts, of_post = np.unique(plan.offers.post_id, return_inverse=True)
    born = table["birth_year"]
    country = pc.index_in(table["country"], value_set=pa.array(list(plan.countries), pa.string()))
    return Users(
        user=_numbers(table, "user_id"),
        places=ad_places(length, ranks, every),
        readiness=table["readiness"].to_numpy(),
        country=country.fill_null(ELSEWHERE).to_numpy().astype(np.int64),
        topics=_matrix(table, "interests", pa.array(plan.topics, pa.string())),
        age=np.where(born.is_valid().to_numpy(), plan.year - born.fill_null(0).to_numpy(), UNKNOWN_AGE),
        barred=_matrix(table, "barred", pa.array(posts))[:, of_post],
    )


def _numbers(table: pa.Table, name: str) -> Ints:
    values: NDArray[Any] = table[name].to_numpy()
    return values.astype(np.int64)


def _matrix(table: pa.Table, name: str, words: pa.Array) -> Bools:
    """Whether a row's list in column ``name`` has each of ``words``, ``(rows, words)``; a null list has none."""
    lists = (
        pa.concat_arrays(table[name].chunks) if table[name].num_chunks else pa.array([], table.schema.field(name).type)
    )
    found = pc.index_in(lists.flatten(), value_set=words.cast(lists.type.value_type))
    has = np.zeros((len(lists), len(words)), dtype=np.bool_)
    is_known = found.is_valid().to_numpy(zero_copy_only=False)
    rows = pc.list_parent_indices(lists).to_numpy()
    has[rows[is_known], found.fill_null(0).to_numpy()[is_known]] = True
    return has
