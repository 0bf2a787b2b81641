"""Popularity: a rank of every user, computed from the user and back without a sort."""

from math import gcd

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.simulate.world import Key, World

POPULAR_POWER = 4.0
"""How steeply popular users are preferred: the most popular of 100,000 receives about 1,700 friend requests."""


def fame(world: World, user: Column) -> Column:
    """Latent popularity of a user in (0, 1): one minus their rank over the number of users.

    Ranks walk around the users by a stride near the golden section. So every user has a different rank, every community
    has its share of popular users, and both directions are plain arithmetic.
    """
    return (F.pmod(user * _stride(world) + _first_place(world), F.lit(world.users)) + 0.5) / world.users


def popular_user(world: World, rank: Column) -> Column:
    """The user of a rank by ``fame``, 0 being the most popular."""
    back = pow(_stride(world), -1, world.users)
    return F.pmod(F.pmod(world.users - 1 - rank - _first_place(world), F.lit(world.users)) * back, F.lit(world.users))


def _first_place(world: World) -> Column:
    return world.index(world.users, "user/fame")


def _stride(world: World) -> int:
    stride = int(0.618 * world.users)
    while gcd(stride, world.users) > 1:
        stride += 1
    return stride


def somebody_popular(world: World, stream: str, *keys: Key) -> Column:
    """A user drawn by rank: rank r, from 1, with a density that falls as r^(1/4 - 1).

    The share of the first ranks falls more slowly than the network grows. So the greatest degrees grow with the
    network, and the mean does not.
    """
    least = world.users ** (-1 / POPULAR_POWER)
    place = world.users * F.pow(least + (1 - least) * world.uniform(stream, *keys), POPULAR_POWER)
    return popular_user(world, F.greatest(F.floor(place) - 1, F.lit(0)))
