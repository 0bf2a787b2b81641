import numpy as np
import pytest

from contracts.pointer import MAX_POINTER_BYTES, Canary, Pointer, place_of

AT = 1_770_000_000


@pytest.mark.parametrize(
    "pointer",
    [
        Pointer(5, None, AT),
        Pointer(5, 4, AT, Canary(6, 0.1)),
        Pointer(5, 4, AT, Canary(6, 1.0, "deep"), (("b", 4), ("deep", 5))),
    ],
)
def test_the_pointer_survives(pointer: Pointer) -> None:
    assert Pointer.loads(pointer.dumps()) == pointer


def test_the_largest_pointer_fits_what_readers_read() -> None:
    held = tuple((f"{n}".rjust(32, "a"), 2**32 - 2) for n in range(8))
    largest = Pointer(2**32 - 2, 2**32 - 3, 2**32 - 1, Canary(2**32 - 1, 1 / 3, "z" * 32), held)
    assert Pointer.loads(largest.dumps()) == largest
    assert len(largest.dumps()) <= MAX_POINTER_BYTES


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"7",
        b"[1, 2]",
        b'{"stable": 1}',
        b'{"stable": Infinity, "previous": null, "published_at": 1}',
        b'{"stable": 1, "previous": [1], "published_at": 1}',
        b'{"stable": true, "previous": null, "published_at": 1}',
        b'{"stable": 1, "previous": null, "published_at": 1.5}',
        b'{"stable": 4294967296, "previous": null, "published_at": 1}',
        b'{"stable": 1, "previous": 0, "published_at": 1}',
        b'{"stable": 1, "previous": null, "published_at": -1}',
        b"[" * 100_000,
        *(
            b'{"stable": 1, "previous": null, "published_at": 1, "canary": %b}' % canary
            for canary in (
                b"2",
                b'{"epoch": 2}',
                b'{"epoch": 0, "share": 0.1}',
                b'{"epoch": 2, "share": 0}',
                b'{"epoch": 2, "share": 1.01}',
                b'{"epoch": 2, "share": NaN}',
                b'{"epoch": 2, "share": true}',
                b'{"epoch": 2, "share": 0.1, "arm": "B"}',
                b'{"epoch": 2, "share": 0.1, "arm": 7}',
            )
        ),
        *(
            b'{"stable": 1, "previous": null, "published_at": 1, "held": %b}' % held
            for held in (b"[]", b'{"b": 2}', b'{"b": true}', b'{"B": 1}', b'{"a": 1, "b": "1"}')
        ),
    ],
)
def test_a_pointer_that_does_not_name_epochs_and_a_time_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"pointer|Expecting|decode"):
        Pointer.loads(text)


def test_every_pointer_is_newer_than_the_one_it_replaces_whatever_the_clock_says() -> None:
    seen = Pointer(5, 4, AT)
    assert seen.next(6, 5, now=AT + 100.5) == Pointer(6, 5, AT + 100)
    rolled_back = seen.next(4, None, now=1_760_000_000.0)
    assert rolled_back == Pointer(4, None, AT + 1)


def test_a_canary_s_users_are_its_share_of_all_and_stay_as_it_grows() -> None:
    users = range(1_000_000, 1_020_000)
    chosen = {share: {user for user in users if Canary(6, share).is_read_by(user, None)} for share in (0.01, 0.1, 0.5)}
    for share, found in chosen.items():
        assert abs(len(found) / len(users) - share) < 4 * np.sqrt(share * (1 - share) / len(users))
    assert chosen[0.01] < chosen[0.1] < chosen[0.5]
    places = np.array([place_of(user) for user in users])
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.05
    assert all(0 <= place < 1 for place in places)
    assert Canary(6, 1.0).is_read_by(7, None)


def test_who_reads_what() -> None:
    inside = next(user for user in range(1, 100) if place_of(user) < 0.1)
    outside = next(user for user in range(1, 100) if place_of(user) >= 0.1)
    assert Pointer(5, 4, AT).epochs_for(inside, "b") == (5, 4)
    everyone = Pointer(5, 4, AT, Canary(6, 0.1), (("b", 5), ("c", 4)))
    assert [everyone.epochs_for(user, None) for user in (inside, outside)] == [(6, 5), (5, 4)]
    assert [everyone.epochs_for(user, "b") for user in (inside, outside)] == [(5, 4), (5, 4)]
    assert [everyone.epochs_for(user, "c") for user in (inside, outside)] == [(4, None), (4, None)]
    one_arm = Pointer(5, 4, AT, Canary(6, 0.1, "b"))
    assert [one_arm.epochs_for(inside, arm) for arm in ("b", "c", None)] == [(6, 5), (5, 4), (5, 4)]


def test_an_arm_is_held_only_while_there_is_something_newer_to_hold_it_from() -> None:
    held = Pointer(5, 4, AT, Canary(6, 0.1), (("b", 5),))
    made_current = held.next(6, 5, AT, held=held.held)
    assert made_current.epochs_for(1, "b") == (5, None)
    assert held.next(5, 4, AT, held=held.held).held == ()
    assert made_current.next(7, 6, AT, held=made_current.held).held == ()
