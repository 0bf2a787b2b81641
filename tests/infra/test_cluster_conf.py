"""Settings of a cluster: those of one machine without what ties them to it, and what executors elsewhere need."""

import pytest

from infra.cluster_conf import ROOT, cluster_conf, read_conf
from infra.setup_spark import DEFAULTS


def local() -> dict[str, str]:
    return read_conf(DEFAULTS.format(jars="/lake/.jars", memory="3g", java_options="-XX:+UseSerialGC -Xms1g"))


def conf_of(master: str) -> dict[str, str]:
    return cluster_conf(
        local(),
        master=master,
        driver_host="driver",
        executor_memory="2g",
        checkpoints="/shared/checkpoints",
        python="/lake/python",
    )


def test_cluster_conf_keeps_what_decides_results_and_frees_it_of_this_machine() -> None:
    here, there = local(), conf_of("spark://master:7077")
    assert "spark.driver.bindAddress" in here
    assert "spark.driver.bindAddress" not in there
    moved = {"spark.master": "spark://master:7077", "spark.driver.host": "driver"}
    assert {name: there[name] for name in moved} == moved
    same = here.keys() - moved.keys() - {"spark.driver.bindAddress"}
    assert {name: there[name] for name in same} == {name: here[name] for name in same}


def test_executors_get_jars_code_and_interpreter_but_not_the_driver_s_heap_options() -> None:
    there = conf_of("spark://master:7077")
    assert there["spark.executor.extraClassPath"] == "/lake/.jars/*"
    assert there["spark.executorEnv.PYTHONPATH"] == str(ROOT)
    assert there["spark.pyspark.python"] == "/lake/python"
    assert there["spark.checkpoint.dir"] == "/shared/checkpoints"
    assert "-Dlog4j2.configurationFile=/lake/.jars/log4j2.properties" in there["spark.executor.extraJavaOptions"]
    assert "-Xms" not in there["spark.executor.extraJavaOptions"]


@pytest.mark.parametrize("master", ["local[*]", "host:7077", ""])
def test_a_master_that_is_no_standalone_cluster_is_refused(master: str) -> None:
    with pytest.raises(ValueError, match="name one as spark://host:7077"):
        conf_of(master)
