"""gold.snapshots: what each daily snapshot was built from; grain: table_name, day.

The jobs that build snapshots write the table (``days``). This job runs after them and lists for the run report which
partitions the night built again, and because of which late files.
"""

from pyspark.sql import functions as F

from spark_jobs.features.days import SNAPSHOTS
from spark_jobs.night.night import Night


def main(night: Night) -> None:
    """Write ``late_files.json`` into the night's folder: table, day and files of every partition built again."""
    again = night.read(SNAPSHOTS).where((F.col("built_by") == F.lit(night.ds)) & (F.size("late_files") > 0))
    rows = again.orderBy("table_name", "day").collect()
    late = [{"table": row.table_name, "day": row.day.isoformat(), "files": row.late_files} for row in rows]
    night.files.late_files.write({"recomputed": late})
