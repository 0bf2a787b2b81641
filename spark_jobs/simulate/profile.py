"""A user's profile: country, city, birth year, interests."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.simulate.network import community
from spark_jobs.simulate.world import World, choose

COUNTRIES = {"ZA": 0.1, "BR": 0.15, "DE": 0.1, "IN": 0.25, "MX": 0.1, "US": 0.2, "FR": 0.1}
CITIES = {
    "ZA": ("Durban", "Pretoria"),
    "BR": ("Recife", "Curitiba"),
    "DE": ("Bremen", "Leipzig"),
    "IN": ("Pune", "Kochi"),
    "MX": ("Puebla", "Oaxaca"),
    "US": ("Tulsa", "Boise"),
    "FR": ("Lille", "Nantes"),
}
AWAY_SHARE = 0.05
GOLDEN_RATIO = 0.6180339887498949
LOCALES = {"ZA": "en-ZA", "BR": "pt-BR", "DE": "de-DE", "IN": "en-IN", "MX": "es-MX", "US": "en-US", "FR": "fr-FR"}


def chosen_interests(world: World, user: Column) -> Column:
    """Numbers of the two or three favourite topics, which a user names at onboarding. Needs ``tastes``."""
    by_taste = F.transform("tastes", lambda taste, topic: F.struct((-taste).alias("taste"), topic.alias("topic")))
    best = F.slice(F.array_sort(by_taste), 1, (2 + world.index(2, "user/interests", user)).cast("int"))
    return F.transform(best, lambda entry: entry.topic)


def country(world: World, user: Column) -> Column:
    """The country of a user, the same for a whole community.

    Communities step around the unit interval by the golden ratio, so that even few communities match the shares.
    """
    draw = world.uniform("country/offset", 0) + community(world, user) * GOLDEN_RATIO
    return choose(draw - F.floor(draw), COUNTRIES)


def city(world: World, user: Column, *draw: Column) -> Column:
    """One of the two cities of the user's country; ``draw`` decides whether it is the community's."""
    home = world.index(2, "community/city", community(world, user))
    is_away = world.uniform("session/away", user, *draw) < AWAY_SHARE
    pairs = F.create_map(*(part for name, two in CITIES.items() for part in (F.lit(name), F.array(*map(F.lit, two)))))
    which = F.when(is_away, 1 - home).otherwise(home)
    return F.get(F.element_at(pairs, country(world, user)), which.cast("int"))


def birth_year(world: World, user: Column) -> Column:
    """When a user was born; most are young."""
    return (2008 - world.index(60, "user/birth", user, power=1.5)).cast("int")
