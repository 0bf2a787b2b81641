"""Hashes of settings: equal values have equal hashes, whatever their source."""

import hashlib
import json
from dataclasses import asdict
from functools import reduce
from operator import getitem
from typing import Any

from contracts.settings import Settings

NOT_OF_A_NIGHT = ("fresh", "reader", "reader_limits", "page", "collector", "drain", "erasure", "simulation")
"""Sections that no job of a night reads."""


def settings_hash(settings: Settings) -> str:
    """SHA-256 over the settings of a night."""
    return hash_of({name: value for name, value in asdict(settings).items() if name not in NOT_OF_A_NIGHT})


def hash_of_read(settings: Settings, *names: str) -> str:
    """SHA-256 over what a service or an erasure reads: sections, and single keys such as ``publish.key_ttl_s``."""
    sections = asdict(settings)
    return hash_of({name: reduce(getitem, name.split("."), sections) for name in names})


def hash_of(values: dict[str, Any]) -> str:
    """SHA-256 over values as canonical JSON: sorted keys, no spaces, dates as ISO text."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
