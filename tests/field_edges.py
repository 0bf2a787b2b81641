"""Values at the bounds of the landing contract: the last allowed one, and the first refused one."""

import math
from itertools import chain

from contracts.landing import EVENT_TYPES, Field

BOUNDED = [(event_type, field) for event_type, fields in EVENT_TYPES.items() for field in fields if field.bounds]
"""Event type and field."""

Value = float | str


def inside(field: Field) -> list[Value]:
    """Values within the bounds, next to each of them."""
    if field.longest is not None:
        return ["", *(character * field.longest for character in ("a", "\u00e9", "\U0001f600"))]
    limits: list[Value] = [limit for limit in (field.least, field.most) if limit is not None]
    return limits if field.above is None else [*limits, _next(field, field.above, math.inf)]


def outside(field: Field) -> list[Value]:
    """Values beyond each of the bounds, next to it and far away."""
    if field.longest is not None:
        return ["a" * (field.longest + 1), "\U0001f600" * (field.longest + 1)]
    below = [] if field.least is None else [_next(field, field.least, -math.inf), field.least - 10**6]
    least = [] if field.above is None else [field.above, field.above - 1]
    beyond = [] if field.most is None else [_next(field, field.most, math.inf), field.most + 10**6]
    return list(chain(below, least, beyond))


def is_within(field: Field, value: float) -> bool:
    """Whether a number keeps the bounds."""
    return (
        (field.least is None or value >= field.least)
        and (field.above is None or value > field.above)
        and (field.most is None or value <= field.most)
    )


def _next(field: Field, value: float, towards: float) -> float:
    if field.type == "double":
        return math.nextafter(value, towards)
    return value + (1 if towards > value else -1)
