"""A Redis Cluster of three masters, each a process that a test may kill -9 and start again, empty."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from contracts.redis_cluster import NUM_SLOTS, slot_of
from tests.nights import free_port, wait_until_open
from tests.serving.reader_world import RedisServer

NUM_NODES = 3
_PATIENCE_S = 30.0
_BOUNDS = [NUM_SLOTS * number // NUM_NODES for number in range(NUM_NODES + 1)]


class ThreeMasters(RedisServer):
    """The cluster, with ``RedisServer``'s ways to write a world of posts. A node keeps its slots, but no data."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="redis-cluster-"))
        self.ports = [free_port() for _ in range(NUM_NODES)]
        self._bus_ports = [free_port() for _ in range(NUM_NODES)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def start(self) -> None:
        """Start the masters, and make them one cluster."""
        for node in range(NUM_NODES):
            self.start_node(node)
        for node in range(NUM_NODES):
            direct: Any = redis.Redis(port=self.ports[node])
            direct.execute_command("CLUSTER", "ADDSLOTSRANGE", _BOUNDS[node], _BOUNDS[node + 1] - 1)
            direct.execute_command("CLUSTER", "SET-CONFIG-EPOCH", node + 1)
            direct.execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self._bus_ports[0])
            direct.close()
        self.wait_until_whole()
        self.client = redis.RedisCluster("127.0.0.1", self.ports[0])

    @classmethod
    def running(cls, *options: str) -> Iterator["ThreeMasters"]:
        """What a fixture yields: the cluster until the fixture's end."""
        assert not options, "its options are its own"
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        cluster = cls()
        try:
            cluster.start()
            yield cluster
        finally:
            for node in cluster._processes:
                cluster.kill_node(node)
            shutil.rmtree(cluster._folder)

    def start_node(self, node: int) -> None:
        """Start a master; one that was killed comes back with its slots and without its data."""
        folder = self._folder / str(node)
        folder.mkdir(exist_ok=True)
        words = ["--port", str(self.ports[node]), "--cluster-port", str(self._bus_ports[node]), "--dir", str(folder)]
        words += ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--maxmemory-policy", "noeviction"]
        words += ["--cluster-require-full-coverage", "no", "--save", ""]
        self._processes[node] = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
        wait_until_open(self.ports[node])

    def add_replica(self, master: int) -> None:
        """A node that copies a master, and takes its place when it fails; it is the last one."""
        replica = len(self.ports)
        self.ports.append(free_port())
        self._bus_ports.append(free_port())
        self.start_node(replica)
        direct: Any = redis.Redis(port=self.ports[replica])
        direct.execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self._bus_ports[0])
        self.wait_until_whole()
        with redis.Redis(port=self.ports[master]) as of_master:
            name: bytes = of_master.execute_command("CLUSTER", "MYID")
        direct.execute_command("CLUSTER", "REPLICATE", name)
        self._wait_for(lambda: direct.info("replication").get("master_link_status") == "up", "no copy is made")

    def wait_for_promotion(self) -> None:
        """Wait until the replica has taken its master's place."""
        with redis.Redis(port=self.ports[-1]) as direct:
            self._wait_for(
                lambda: direct.info("replication")["role"] == "master", "no replica takes the master's place"
            )

    def kill_node(self, node: int) -> None:
        """Kill -9."""
        self._processes[node].kill()
        self._processes[node].wait()

    def wait_until_whole(self) -> None:
        """Wait until every node knows all slots and all other nodes, and calls no slot failing."""
        self._wait_for(lambda: all(map(self._is_whole, self.ports)), "the cluster is not whole")

    @staticmethod
    def _wait_for(holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} after {_PATIENCE_S} s")
            time.sleep(0.05)

    def _is_whole(self, port: int) -> bool:
        with redis.Redis(port=port) as direct:
            told: bytes = direct.execute_command("CLUSTER", "INFO")
        needed = {"cluster_state:ok", f"cluster_slots_ok:{NUM_SLOTS}", f"cluster_known_nodes:{len(self.ports)}"}
        return needed <= set(told.decode().split())

    @staticmethod
    def node_of(key: str) -> int:
        """The master that holds a key."""
        return next(node for node in range(NUM_NODES) if slot_of(key) < _BOUNDS[node + 1])
