import pytest

from storage.redis_clients import _nodes, is_cluster


@pytest.mark.parametrize(
    ("url", "first", "others"),
    [
        ("redis+cluster://a:1", "redis://a:1", []),
        ("redis+cluster://a:1,b:2,c", "redis://a:1", [("b", 2), ("c", 6379)]),
        ("rediss+cluster://me:se,cret@a:1,b:2/0?x=1", "rediss://me:se,cret@a:1/0?x=1", [("b", 2)]),
        ("redis+cluster://[::1]:7,[::2]:8?protocol=3", "redis://[::1]:7?protocol=3", [("::2", 8)]),
    ],
)
def test_urls_of_clusters(url: str, first: str, others: list[tuple[str, int]]) -> None:
    assert is_cluster(url)
    assert _nodes(url) == (first, others)


def test_other_urls_name_one_server() -> None:
    assert not any(map(is_cluster, ("redis://a+cluster:1", "rediss://a", "unix:///tmp/+cluster", "")))
