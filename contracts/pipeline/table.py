"""What a stage writes, and what it may read: a Delta table, or a report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One Delta table: ``layer.name``, written by ``stage``.

    ``keys`` are the columns of the grain; ``partition`` is the column a rerun replaces or merges within.
    ``inputs`` are the tables that its rows are computed from, all written before it in the same night.
    ``earlier_inputs`` are tables that its job reads in a state that the night may still change, such as that of an
    earlier night. A job may read these, ``inputs`` and its own table, and no other.
    ``room`` is the folder of its job within the stage's, if the stage has rooms.
    """

    layer: str
    name: str
    stage: str
    keys: tuple[str, ...]
    partition: str | None
    inputs: tuple[str, ...] = ()
    earlier_inputs: tuple[str, ...] = ()
    room: str | None = None

    @property
    def full_name(self) -> str:
        """``layer.name``, the name used in logs, verdicts, assets and docs."""
        return f"{self.layer}.{self.name}"

    @property
    def job(self) -> str:
        """The module whose ``main`` builds the table."""
        folder = self.stage if self.room is None else f"{self.stage}.{self.room}"
        return f"spark_jobs.{folder}.{self.name}"

    @property
    def readable(self) -> frozenset[str]:
        """Every table that its job may read."""
        return frozenset((*self.inputs, *self.earlier_inputs, self.full_name))


@dataclass(frozen=True)
class Report:
    """A stage that writes no table, but a file of the night; its job reads ``inputs`` and ``earlier_inputs``."""

    stage: str
    inputs: tuple[str, ...]
    earlier_inputs: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name used in logs."""
        return self.stage

    @property
    def job(self) -> str:
        """The module whose ``main`` writes the file."""
        return f"spark_jobs.{self.stage}.{self.stage}"

    @property
    def readable(self) -> frozenset[str]:
        """Every table that its job may read."""
        return frozenset((*self.inputs, *self.earlier_inputs))
