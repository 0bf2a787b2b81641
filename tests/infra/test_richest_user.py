import subprocess
import sys
from pathlib import Path

from contracts.redis_keys import card_key
from tests.serving.reader_world import RedisServer, Seed


def test_the_longest_pool_of_the_epoch_being_served() -> None:
    for server in RedisServer.running():
        for epoch, user, size in ((2, 5, 3), (2, 0, 9), (2, -6, 8), (1, 7, 20)):
            server.write_user(epoch, user, [Seed(n) for n in range(size)])
        server.client.set(card_key(2, 1), b"x" * 10_000)
        server.flip(2, 1)
        command = [sys.executable, "-m", "infra.richest_user", server.url]
        root = Path(__file__).parents[2]
        assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout == "0\n"
