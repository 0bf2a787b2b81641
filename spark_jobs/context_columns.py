"""The context features of one instant, shared by training examples and nightly scoring."""

import math

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.post_columns import on_weekend

MOBILE_DEVICES = ("phone", "tablet")


def on_mobile(device: str) -> Column:
    """Whether the device is a phone or a tablet."""
    return F.col(device).isin(*MOBILE_DEVICES)


def context_columns(instant: Column, is_mobile: Column) -> dict[str, Column]:
    """Context features under their registry names: the hour on a circle, the weekend, the device; all FLOAT.

    ``is_mobile`` is 0 or 1 for a logged impression, and the user's mobile ratio where no impression was logged.
    """
    angle = F.hour(instant) * F.lit(2 * math.pi / 24)
    columns = {
        "hour_sin": F.sin(angle),
        "hour_cos": F.cos(angle),
        "is_weekend": on_weekend(instant),
        "is_mobile": is_mobile,
    }
    return {name: column.cast("float") for name, column in columns.items()}
