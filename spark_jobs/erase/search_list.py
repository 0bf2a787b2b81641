"""The search list of an erasure: ids, names and texts for the proof. It is personal data, so it is outside the lake.

It is written before anything is removed, so that a killed erasure can be resumed: the tables may no longer have what
the first run found. Delete it once the proof has passed.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from contracts.erasure import KINDS
from spark_jobs.rules.erased_ids import ErasedIds


@dataclass(frozen=True)
class SearchList:
    """Ids by kind; ``phrases`` are names and texts that only their rows contain, ``shared`` counts all others.

    ``borne`` are numbers, without sign, among the ids that are also ids of something else: id spaces may overlap.
    """

    request_id: str
    user: tuple[int, ...]
    post: tuple[int, ...] = ()
    page: tuple[int, ...] = ()
    campaign: tuple[int, ...] = ()
    phrases: tuple[str, ...] = ()
    shared: int = 0
    borne: tuple[int, ...] = ()

    @property
    def ids(self) -> ErasedIds:
        """The ids, for conditions on columns."""
        return ErasedIds(**{kind: frozenset(getattr(self, kind)) for kind in KINDS})

    def joined(self, other: "SearchList") -> "SearchList":
        """The union of both lists."""
        if self.request_id != other.request_id or self.user != other.user:
            raise ValueError(
                f"the search list is of request {other.request_id} for {len(other.user)} users, not of "
                f"{self.request_id} for these: name another file"
            )

        def both(name: str) -> tuple[int, ...]:
            return tuple(sorted({*getattr(self, name), *getattr(other, name)}))

        phrases = tuple(sorted({*self.phrases, *other.phrases}))
        shared = max(self.shared, other.shared)
        owned = {kind: both(kind) for kind in KINDS if kind != "user"}
        return SearchList(
            self.request_id, self.user, **owned, phrases=phrases, shared=shared, borne=tuple(both("borne"))
        )

    def save(self, path: Path) -> None:
        """Write the file whole or not at all; only its owner may read it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.tmp")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(asdict(self), indent=1) + "\n")
        scratch.replace(path)

    @staticmethod
    def load(path: Path) -> "SearchList":
        """Read the file; ``ValueError`` if it is not a search list."""
        values: Any = json.loads(path.read_text())
        if not isinstance(values, dict) or set(values) != {item.name for item in fields(SearchList)}:
            raise ValueError(f"{path} is no search list of an erasure")
        lists = {name: tuple(values[name]) for name in (*KINDS, "phrases", "borne")}
        return SearchList(values["request_id"], shared=values["shared"], **lists)
