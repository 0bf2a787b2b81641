"""Which of a person's ids are also ids of something else."""

from spark_jobs.erase.person import borne_by_something_else
from spark_jobs.night.lake import Lake
from spark_jobs.rules.erased_ids import ErasedIds
from tests.feed_rows import put

PERSON, FRIEND, POST = 1_000_153, 1_000_154, 3_000_000_001


def test_numbers_that_something_of_another_kind_or_sign_bears_are_told(lake: Lake) -> None:
    put(lake, "silver.users", [{"user_id": PERSON}, {"user_id": FRIEND}, {"user_id": -POST}])
    put(lake, "silver.posts", [{"post_id": PERSON}, {"post_id": POST}, {"post_id": FRIEND}])
    ids = ErasedIds(user=frozenset({PERSON, 12}), post=frozenset({POST}))
    assert borne_by_something_else(lake, ids) == (PERSON, POST)
    put(lake, "silver.posts", [{"post_id": POST}])
    put(lake, "silver.users", [{"user_id": PERSON}])
    assert borne_by_something_else(lake, ids) == ()
    put(lake, "silver.groups", [{"group_id": PERSON}])
    assert borne_by_something_else(lake, ids) == (PERSON,)
