"""One-time Spark set-up: resolve the jars of Delta and S3, write ``spark.conf``, archive the JVM's classes.

Everything is in one folder (default ``.jars``). ``spark-submit --properties-file .jars/spark.conf`` and in-process
sessions (through ``PYSPARK_SUBMIT_ARGS``) then read the same settings. It is not used as ``SPARK_CONF_DIR``: that
puts the folder on the class path, and the JVM refuses a class archive beside a non-empty folder. The archive (AppCDS)
makes every later JVM start several seconds faster; a JVM that cannot use it starts without it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

AWS = "2.29.52"
"""The AWS SDK that hadoop-aws was released with; later ones speak to fewer servers."""

PACKAGES = (
    "io.delta:delta-spark_4.1_2.13:4.4.0",
    "org.apache.hadoop:hadoop-aws:3.4.2",  # the Hadoop that Spark ships
    f"software.amazon.awssdk:s3-transfer-manager:{AWS}",
    f"software.amazon.awssdk:sts:{AWS}",
)
LEFT_OUT = "software.amazon.awssdk:bundle"
"""Every AWS service in one jar of 640 MB; the modules above and what they need are 10 MB."""

NEEDED = (
    "io.delta_",
    "io.unitycatalog_",
    "org.apache.hadoop_hadoop-aws",
    "org.reactivestreams_",
    "software.amazon.awssdk_",
    "software.amazon.eventstream_",
)

_FAST_START_OPTIONS = (
    # The serial collector starts fastest; a young generation of this size spares a hundred small collections.
    "-XX:+UseSerialGC -Xms1g -Xmn600m -Xshare:auto",
    # Half the CPU time of a small stage went into the second compiler; with ten times its thresholds it compiles only
    # the loops of large stages.
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000",
    # Hadoop starts a chmod for every local file.
    "-Djdk.lang.Process.launchMechanism=VFORK",
)
FAST_START = " ".join(_FAST_START_OPTIONS)

DEFAULTS = """\
spark.master                                     local[*]
spark.sql.extensions                             io.delta.sql.DeltaSparkSessionExtension
spark.sql.catalog.spark_catalog                  org.apache.spark.sql.delta.catalog.DeltaCatalog
spark.sql.session.timeZone                       UTC
spark.sql.shuffle.partitions                     4
spark.databricks.delta.snapshotPartitions        1
spark.databricks.delta.stateReconstructionValidation.enabled  false
spark.databricks.delta.properties.defaults.enableDeletionVectors  false
spark.sql.execution.arrow.pyspark.enabled        true
spark.sql.execution.arrow.maxRecordsPerBatch     16384
spark.sql.parquet.compression.codec              zstd
spark.ui.enabled                                 false
spark.ui.showConsoleProgress                     false
spark.driver.memory                              {memory}
spark.driver.host                                127.0.0.1
spark.driver.bindAddress                         127.0.0.1
spark.driver.extraClassPath                      {jars}/*
spark.driver.extraJavaOptions                    -Dlog4j2.configurationFile={jars}/log4j2.properties {java_options}
"""

WARM_UP = """
import sys
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
path = sys.argv[1]
days = spark.range(100).selectExpr("id", "id % 7 as ds")
for _ in range(2):
    days.write.format("delta").mode("overwrite").partitionBy("ds").save(path)
source = spark.range(120).selectExpr("id", "id % 5 as ds")
merge = DeltaTable.forPath(spark, path).alias("t").merge(source.alias("s"), "t.id = s.id")
merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
spark.read.format("delta").load(path).groupBy("ds").count().collect()
spark.stop()
"""


def resolve_jars(folder: Path, spark_submit: str) -> None:
    """Fetch the jars with Spark's own resolver into ``folder``; nothing to do when they are there."""
    if all(any(folder.glob(f"*_{package.split(':')[1]}-{package.split(':')[2]}.jar")) for package in PACKAGES):
        return
    with tempfile.TemporaryDirectory() as scratch:
        ivy, script = Path(scratch) / "ivy", Path(scratch) / "nothing.py"
        script.write_text("")
        command = [spark_submit, "--master", "local[1]", "--packages", ",".join(PACKAGES)]
        command += ["--exclude-packages", LEFT_OUT, "--conf", f"spark.jars.ivy={ivy}"]
        done = subprocess.run([*command, str(script)], env=_clean_env(), capture_output=True, text=True, check=False)
        jars = sorted((ivy / "jars").glob("*.jar"))
        if done.returncode != 0 or not jars:
            raise SystemExit(
                f"could not resolve {', '.join(PACKAGES)}; is Maven Central reachable?\n{done.stderr[-2000:]}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob("*.jar"), folder / "classes.jsa"):  # an archive knows the class path it was made with
            old.unlink(missing_ok=True)
        for jar in jars:
            if not jar.name.startswith(NEEDED):
                continue  # Spark ships the rest, often newer; on the class path they would shadow its own
            shutil.move(jar, folder / jar.name)


def write_defaults(folder: Path, memory: str, java_options: str) -> None:
    """Write ``spark.conf`` and a quiet log4j configuration."""
    (folder / "spark.conf").write_text(DEFAULTS.format(jars=folder, memory=memory, java_options=java_options.strip()))
    (folder / "log4j2.properties").write_text(
        "rootLogger.level = error\nrootLogger.appenderRef.stdout.ref = console\n"
        "appender.console.type = Console\nappender.console.name = console\nappender.console.target = SYSTEM_ERR\n"
        "appender.console.layout.type = PatternLayout\n"
        "appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex\n"
    )


def archive_classes(folder: Path, memory: str, spark_submit: str) -> None:
    """Run a small Delta job once and keep the classes it loaded; a failure only costs start-up time."""
    archive = folder / "classes.jsa"
    if not archive.exists():
        with tempfile.TemporaryDirectory() as scratch:
            script = Path(scratch) / "warm_up.py"
            script.write_text(WARM_UP)
            write_defaults(folder, memory, f"{FAST_START} -XX:ArchiveClassesAtExit={archive}")
            command = [spark_submit, "--properties-file", str(folder / "spark.conf"), str(script), f"{scratch}/table"]
            subprocess.run(command, env=_clean_env(), capture_output=True, text=True, check=False)
    options = f"{FAST_START} -XX:SharedArchiveFile={archive}" if archive.exists() else FAST_START
    write_defaults(folder, memory, options)


def default_memory() -> str:
    """A quarter of the machine's memory, 3 to 8 GB; with less, a night of 20,000 users mostly collects garbage."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{min(max(machine // 4, 3), 8)}g"


def _clean_env() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("SPARK_CONF_DIR", "SPARK_HOME")}
    return kept | {"PYSPARK_PYTHON": sys.executable}


def main() -> None:
    """Command line: ``python infra/setup_spark.py [--folder .jars] [--memory 5g]``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=".jars", type=Path)
    parser.add_argument("--memory", default=default_memory(), help="heap of each Spark driver (here: %(default)s)")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    spark_submit = str(Path(sys.executable).parent / "spark-submit")
    resolve_jars(folder, spark_submit)
    archive_classes(folder, arguments.memory, spark_submit)
    print(f"Spark is set up in {folder.name}/")


if __name__ == "__main__":
    main()
