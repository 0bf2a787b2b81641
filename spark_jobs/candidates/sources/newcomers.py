"""Posts for new users: ordered by the engagement of similar people, by popularity, and by chosen interests.

    priority = demographic · d  +  popularity · p  +  interests · i

with the weights of ``NewUsers``. ``p`` is the post's rate of engagement against the usual one, ``d`` the same among
people of the user's country and age, and ``i`` the share of the post's topics that the user chose at onboarding.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import NewUsers
from spark_jobs.candidates.offers import SPARE, Offers, proposed
from spark_jobs.rules.rates import against_usual, smoothed_rate, with_engagement

CHOICE = 5
"""The list of a group has this many times the limit, so that interests can choose among its posts."""
AGE_BANDS = (18, 25, 35, 50, 65)
GROUP = ("country", "age_band")


def propose(offers: Offers) -> DataFrame:
    """Open posts for each new user, by the formula above."""
    rules, strength = offers.settings.new_users, offers.settings.smoothing.strength
    people = groups_of(offers.profiles)
    listed = best_of_groups(offers, people, strength)
    newcomers = people.join(offers.known, "user_id", "left_anti")
    listed_for = newcomers.join(listed, [*GROUP], "inner")
    return listed_for.select(*proposed(F.col("common_score") + F.lit(rules.interests) * chosen_share()))


def groups_of(profiles: DataFrame) -> DataFrame:
    """(user_id, ``GROUP``, interests); an unknown country or birth year is a group like any other."""
    age = F.year("as_of") - F.col("birth_year")
    band = sum((F.coalesce(age >= least, F.lit(col=False)).cast("int") for least in AGE_BANDS), F.lit(0))
    return profiles.select(
        "user_id",
        F.coalesce("country", F.lit("")).alias("country"),
        F.when(age.isNull(), F.lit(-1)).otherwise(band).alias("age_band"),
        "interests",
    )


def best_of_groups(offers: Offers, people: DataFrame, strength: float) -> DataFrame:
    """The best posts of each group without interests: (``GROUP``, post_id, read_topics, ``common_score``)."""
    rules, most = offers.settings.new_users, CHOICE * SPARE * offers.settings.candidates.newcomer
    posts = with_popularity(offers.open_posts, strength)
    counted = counted_by_group(offers, people).join(posts, "post_id", "inner")
    # If few of a group saw a post, its rate there is close to its rate everywhere.
    rate = smoothed_rate(F.col("group_engaged"), F.col("group_views"), F.col("rate"), strength)
    there = counted.withColumn("common_score", common_score(rules, against_usual(rate, F.col("usual"))))
    everywhere = posts.withColumn("common_score", common_score(rules, F.col("popularity")))
    first = everywhere.orderBy(F.desc("common_score"), "post_id").limit(most)
    columns = (*GROUP, "post_id", "read_topics", "common_score")
    groups = people.select(*GROUP).distinct()
    elsewhere = groups.crossJoin(F.broadcast(first)).join(
        there.select(*GROUP, "post_id"), [*GROUP, "post_id"], "left_anti"
    )
    best = Window.partitionBy(*GROUP).orderBy(F.desc("common_score"), "post_id")
    both = there.select(*columns).unionByName(elsewhere.select(*columns))
    return both.withColumn("number", F.row_number().over(best)).where(F.col("number") <= most).drop("number")


def with_popularity(posts: DataFrame, strength: float) -> DataFrame:
    """``posts`` with ``rate``, ``usual`` rate and ``popularity``: post_id, read_topics and these three columns."""
    popularity = against_usual(F.col("rate"), F.col("usual")).alias("popularity")
    return with_engagement(posts, strength).select("post_id", "read_topics", "rate", "usual", popularity)


def counted_by_group(offers: Offers, people: DataFrame) -> DataFrame:
    """(``GROUP``, post_id, group_views, group_engaged): views and engagements of the people of each group."""
    shown = offers.shown.select("user_id", "post_id", F.lit(1).alias("views"), F.lit(0).alias("engaged"))
    answers = offers.answers.distinct().select("*", F.lit(0).alias("views"), F.lit(1).alias("engaged"))
    counts = (F.sum(name).alias(f"group_{name}") for name in ("views", "engaged"))
    return shown.unionByName(answers).join(people, "user_id", "inner").groupBy(*GROUP, "post_id").agg(*counts)


def common_score(rules: NewUsers, demographic: Column) -> Column:
    """The part of the formula that is the same for all members of a group."""
    return F.lit(rules.demographic) * demographic + F.lit(rules.popularity) * F.col("popularity")


def chosen_share() -> Column:
    """Share of the post's topics that are among the user's interests."""
    parts = (
        F.when(F.array_contains("interests", topic), F.get("read_topics", F.lit(at)).cast("double")).otherwise(0.0)
        for at, topic in enumerate(TOPICS)
    )
    return sum(parts, F.lit(0.0))
