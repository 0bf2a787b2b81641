from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from contracts.redis_cluster import NUM_SLOTS, held_key, held_keys, slot_of
from contracts.redis_keys import HELD, parse_key, pool_key

NAMES = st.text(st.sampled_from("{}ab:u7é"), max_size=12)


@given(NAMES)
def test_slots_are_those_of_redis(key: str) -> None:
    assert slot_of(key) == key_slot(key.encode())


def test_every_slot_has_a_key_of_its_own() -> None:
    keys = held_keys()
    assert [key_slot(key.encode()) for key in keys] == list(range(NUM_SLOTS))
    assert all(parsed is not None and parsed.kind is HELD for parsed in map(parse_key, (key.encode() for key in keys)))


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_users_slot_is_asked_for_where_their_keys_are(user_id: int) -> None:
    assert slot_of(held_key(pool_key(3, user_id))) == slot_of(pool_key(3, user_id))
