"""Give the places of a group of users to the ads that are worth most there, within caps and the group's money.

The worth of an ad for a user is a product of two numbers, one of the ad (bid, quality, click rate) and one of the
user (how readily they click). So there is one best assignment in which no user and no ad would both prefer each other
to what they got (Gale and Shapley, "College Admissions and the Stability of Marriage", 1962): the ads choose in turn,
the strongest first, and each takes the free users who click most readily.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_jobs.rules.chance import uniform

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ANY = -1
"""Code of an ad that targets every country; no user has it."""
_OF_TIE, _OF_SHARE = 3, 4
"""Streams of chance; the first two are those of ``exploration``."""


@dataclass(frozen=True)
class Offers:
    """Ads on offer: columns are ``(A,)``; ``topics`` ``(A, T)`` are those targeted, none for everybody.

    ``strength`` is bid · quality · click rate. ``cap`` is the most places of the ad in a pool. ``campaign`` numbers the
    rows of ``allowance`` and ``is_even`` ``(C,)``: the places that a campaign can pay for, and whether it spreads them.
    """

    ad_id: Ints
    campaign_id: Ints
    post_id: Ints
    bid_micros: Ints
    click_rate: Floats
    strength: Floats
    cap: Ints
    country: Ints
    topics: Bools
    min_age: Ints
    max_age: Ints
    campaign: Ints
    allowance: Ints
    is_even: Bools


@dataclass(frozen=True)
class Users:
    """Users of one group: columns are ``(U,)``, ``topics`` ``(U, T)``.

    ``places`` ``(U, K)`` is that of ``ad_places``. ``readiness`` is the user's click rate against the usual one.
    ``age`` is -1 where it is not known, ``country`` -2. ``barred`` ``(U, A)`` are ads that the user must not see.
    """

    user: Ints
    places: Ints
    readiness: Floats
    country: Ints
    topics: Bools
    age: Ints
    barred: Bools


@dataclass(frozen=True)
class Draw:
    """What chance depends on: the seed and the night, as an ordinal."""

    seed: int
    day: int


def share_of_group(offers: Offers, group: int, num_groups: int, draw: Draw) -> Ints:
    """The part of each campaign's ``allowance`` that a group may use, ``(C,)``; the parts of all groups add up to it.

    A night and campaign start at a group of their own, so that small campaigns do not all meet in the same groups.
    """
    campaign_ids = np.zeros(len(offers.allowance), dtype=np.int64)
    campaign_ids[offers.campaign] = offers.campaign_id
    turned = (group + np.floor(uniform(draw.seed, campaign_ids, draw.day, _OF_SHARE) * num_groups)) % num_groups
    turn = turned.astype(np.int64)
    whole, rest = offers.allowance // num_groups, offers.allowance % num_groups
    return np.asarray(whole + (rest * (turn + 1)) // num_groups - (rest * turn) // num_groups)


def targets(offers: Offers, users: Users) -> Bools:
    """Whether each ad may be shown to each user, ``(A, U)``; an ad by age is not for users whose age is not known."""
    met = (offers.topics.astype(np.int32) @ users.topics.T.astype(np.int32)) > 0
    by_topic = met | ~offers.topics.any(axis=1, keepdims=True)
    by_country = (offers.country[:, None] == ANY) | (offers.country[:, None] == users.country)
    has_ages = (offers.min_age > 0) | (offers.max_age < np.iinfo(np.int32).max)
    by_age = (offers.min_age[:, None] <= users.age) & (users.age <= offers.max_age[:, None])
    return np.asarray(by_topic & by_country & (by_age | ~has_ages[:, None]) & ~users.barred.T)


def auction(offers: Offers, users: Users, share: Ints, draw: Draw) -> Ints:
    """The ad of each place, ``(U, K)``, as a row of ``offers``; -1 where there is none.

    ``share`` ``(C,)`` is that of ``share_of_group``. An even campaign has used at most k / K of it after place k, so
    that some is left for those who come later in the day or scroll further.
    """
    num_users, num_places = users.places.shape
    won = np.full((num_users, num_places), -1, dtype=np.int64)
    tie = uniform(draw.seed, users.user, draw.day, _OF_TIE)
    readiest = np.lexsort((users.user, tie, -users.readiness))
    may = targets(offers, users)[:, readiest]
    times = np.zeros(may.shape, dtype=np.int32)
    left = share.copy()
    strongest = np.lexsort((offers.ad_id, -offers.strength))
    for place in range(num_places):
        is_free = users.places[readiest, place] > 0
        paced = -(-share * (place + 1) // num_places)
        for ad in strongest:
            campaign = offers.campaign[ad]
            most = left[campaign]
            if offers.is_even[campaign]:
                most = min(most, paced[campaign] - (share[campaign] - left[campaign]))
            if most <= 0:
                continue
            taken = np.flatnonzero(is_free & may[ad] & (times[ad] < offers.cap[ad]))[:most]
            won[readiest[taken], place] = ad
            is_free[taken] = False
            times[ad, taken] += 1
            left[campaign] -= len(taken)
    return won
