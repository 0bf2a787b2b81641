"""The keys of an epoch in Redis, held against those that its content must have."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.epochs import pack_pool
from contracts.redis_keys import fallback_key, parse_key, scan_pattern
from spark_jobs.publish.loading import PACKERS, Target
from tests.faults.rounds.content import fallbacks, tables
from tests.faults.rounds.jobs import DS, RULES

_AS_OF = int(datetime.combine(DS + timedelta(days=1), datetime.min.time(), UTC).timestamp())
_COUNT = 5_000


def expected(url: str, epoch: int, content: int) -> dict[bytes, bytes]:
    """Every key of an epoch with its value."""
    values: dict[bytes, bytes] = {}
    for kind, table in tables(content).items():
        target = Target(url, epoch, kind, _AS_OF, RULES)
        identities, packed = zip(*PACKERS[kind](table.to_batches(), target), strict=True)
        values |= dict(zip(target.keys(identities), packed, strict=True))
    for name, columns in fallbacks(content).items():
        values[fallback_key(epoch, name).encode()] = pack_pool(epoch, _AS_OF, None, columns)
    return values


def problem_of(client: Any, url: str, epoch: int, content: int) -> str:
    """What is wrong with the keys of an epoch; empty if they are those of the content."""
    wanted = expected(url, epoch, content)
    found = dict(zip(wanted, client.mget(list(wanted)), strict=True))
    lost = [key for key, value in found.items() if value is None]
    other = [key for key, value in found.items() if value is not None and value != wanted[key]]
    if not lost and not other:
        return ""
    first = (lost or other)[0].decode()
    return f"{len(lost)} of {len(wanted)} keys are lost and {len(other)} have another value, such as {first}"


def found_in(client: Any) -> set[int]:
    """The epochs that have keys."""
    keys = map(parse_key, client.scan_iter(scan_pattern(), count=_COUNT))
    return {key.epoch for key in keys if key is not None and key.epoch is not None}
