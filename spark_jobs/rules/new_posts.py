"""Which posts are new.

Exploration draws among little-known posts: the new ones, and those of rarely shown authors.
"""

from datetime import datetime, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.settings import Exploration


def is_new(num_views: Column, as_of: datetime, rules: Exploration) -> Column:
    """Whether a post is younger than ``new_h`` at ``as_of``, or was shown fewer than ``few_views`` times.

    Reads created_at.
    """
    is_young = F.col("created_at") > F.lit(as_of - timedelta(hours=rules.new_h))
    return is_young | (num_views < rules.few_views)
