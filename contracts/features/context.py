"""Features of the session in which a post is shown.

For an impression they are as of its instant. A nightly run ranks for the session that the user is expected to open: it
uses the user feature that ``expected`` names, and the weekday of the day that is served.
"""

from contracts.features.feature import KNOWN_CITIES, Feature
from contracts.settings import Smoothing

_PRIOR = Smoothing()


def _context(
    group: str, name: str, unit: str, default: float, doc: str, *, expected: str = "", period_days: int = 0
) -> Feature:
    return Feature("context", group, name, unit, default, doc, "named", expected, period_days=period_days)


CONTEXT: tuple[Feature, ...] = (
    _context("hour", "hour_sin", "[-1, 1]", 0.0, "sine of the hour of day, UTC", expected="usual_hour_sin"),
    _context("hour", "hour_cos", "[-1, 1]", 0.0, "cosine of the hour of day, UTC", expected="usual_hour_cos"),
    _context("hour", "is_morning", "[0, 1]", _PRIOR.day_part_mean, "from 6 to 12, UTC", expected="morning_ratio"),
    _context("hour", "is_afternoon", "[0, 1]", _PRIOR.day_part_mean, "from 12 to 18, UTC", expected="afternoon_ratio"),
    _context("hour", "is_evening", "[0, 1]", _PRIOR.day_part_mean, "from 18 to 24, UTC", expected="evening_ratio"),
    _context("weekday", "weekday_sin", "[-1, 1]", 0.0, "sine of the weekday, Monday 0, UTC", period_days=7),
    _context("weekday", "weekday_cos", "[-1, 1]", 0.0, "cosine of the weekday, UTC", period_days=7),
    _context("weekend", "is_weekend", "0 or 1", 0.0, "Saturday or Sunday, UTC", period_days=7),
    _context("device", "is_mobile", "[0, 1]", _PRIOR.mobile_mean, "on a phone or tablet", expected="mobile_ratio"),
    _context("device", "is_tablet", "[0, 1]", _PRIOR.tablet_mean, "on a tablet", expected="tablet_ratio"),
    _context("device", "is_desktop", "[0, 1]", _PRIOR.desktop_mean, "on a desktop", expected="desktop_ratio"),
    _context("connection", "is_wifi", "[0, 1]", _PRIOR.connection_mean, "over Wi-Fi", expected="wifi_ratio"),
    _context(
        "connection",
        "is_cellular",
        "[0, 1]",
        _PRIOR.connection_mean,
        "over a mobile network",
        expected="cellular_ratio",
    ),
    *(
        _context(
            "location",
            f"city_{rank}",
            "[0, 1]",
            _PRIOR.city_mean,
            f"in the city of rank {rank} by users of the training rows",
            expected=f"city_{rank}_ratio",
        )
        for rank in range(1, KNOWN_CITIES + 1)
    ),
    _context(
        "session",
        "session_views",
        "log1p",
        0.0,
        "organic impressions of the session before this one",
        expected="usual_session_views",
    ),
    _context(
        "session",
        "session_minutes",
        "log1p(minutes)",
        0.0,
        "since the first impression of the session",
        expected="usual_session_minutes",
    ),
    _context(
        "session",
        "is_new_session",
        "[0, 1]",
        1.0,
        "the session has no impression before this one",
        expected="usual_new_session",
    ),
)
