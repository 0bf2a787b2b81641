"""Search every file of a folder and every key of a Redis for traces of an erased person.

Parquet files are decoded column by column, with the statistics in their footers; every other file is read as it is,
unpacked if it is gzip. Spark's workers search the files, so that a large lake is searched by the whole cluster.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyarrow import fs, parquet
from pyspark.sql import SparkSession

from contracts.epochs import POOL_MAGIC, unpack_pool
from contracts.places import Location, Place
from contracts.redis_key_kind import USER_TAG
from contracts.redis_keys import parse_key
from spark_jobs.erase.keys import erasable_members, ids_of_members
from spark_jobs.erase.needles import Needles, kind_of
from spark_jobs.night.session import reach_s3
from spark_jobs.publish.epoch_store import in_batches
from storage.arrow import file_system
from storage.redis_clients import Client

_RESULT = "file STRING, num_bytes BIGINT, part STRING, what STRING"
_PIECE_BYTES = 16 << 20
_OVERLAP_BYTES = 4096
_REDIS_BATCH = 500


@dataclass(frozen=True)
class Searched:
    """How much of one place was searched, and each finding as (file or key, column or part, what)."""

    place: str
    items: int
    num_bytes: int
    findings: tuple[tuple[str, str, str], ...]


def search_folder(spark: SparkSession, folder: Location, needles: Needles) -> Searched:
    """Search every file under ``folder``, hidden ones too; ``FileNotFoundError`` if there is no such folder."""
    place = Place.parse(folder)
    if place.is_s3:
        reach_s3(spark)
    files, root = file_system(place)
    listing = files.get_file_info(fs.FileSelector(root, recursive=True))
    paths = sorted(info.path for info in listing if info.type == fs.FileType.File)
    if not paths:
        return Searched(str(folder), 0, 0, ())
    rows = spark.createDataFrame([(path,) for path in paths], "file STRING")
    slices = min(len(paths), 4 * spark.sparkContext.defaultParallelism)
    search = partial(_search_files, folder=folder, root=root, needles=needles)
    results = rows.repartition(slices, "file").mapInArrow(search, _RESULT).collect()
    num_bytes = sum(row["num_bytes"] for row in results)
    findings = sorted((row["file"], row["part"], row["what"]) for row in results if row["what"] is not None)
    return Searched(str(folder), len(paths), num_bytes, tuple(findings))


def _search_files(batches_: Iterable[Any], folder: Location, root: str, needles: Needles) -> Iterator[Any]:
    files, _ = file_system(Place.parse(folder))
    for batch in batches_:
        if batch.num_rows == 0:
            continue
        rows: list[tuple[str, int, str | None, str | None]] = []
        for path in batch.column(0).to_pylist():
            name = path.removeprefix(root).lstrip("/")
            rows.append((name, files.get_file_info(path).size, None, None))
            rows += [(name, 0, part, what) for part, what in sorted(set(search_file(files, path, name, needles)))]
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), _TYPES, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, names=["file", "num_bytes", "part", "what"])


_TYPES = (pa.string(), pa.int64(), pa.string(), pa.string())


def search_file(files: Any, path: str, name: str, needles: Needles) -> Iterator[tuple[str, str]]:
    """(part, what) of each finding in one file; ``name`` is its path in the folder, which contains the table's name."""
    yield from (("file name", what) for what in needles.in_text(name.encode()))
    if path.endswith(".parquet"):
        yield from search_parquet(files, path, table_of(name), needles)
        return
    with files.open_input_stream(path, compression=None) as stream:
        reader = gzip.GzipFile(fileobj=io.BufferedReader(_Raw(stream))) if path.endswith(".gz") else stream
        try:
            yield from (("content", what) for what in _in_pieces(reader, needles))
        except (EOFError, OSError, zlib.error) as error:
            yield "content", f"cannot be read: {error}"


def table_of(name: str) -> str:
    """The table that a file of a lake belongs to, by its first two folders."""
    return ".".join(name.split("/")[:2])


def _in_pieces(stream: Any, needles: Needles) -> set[str]:
    matches: set[str] = set()
    kept = b""
    while piece := stream.read(_PIECE_BYTES):
        matches |= needles.in_bytes(kept + piece)
        kept = (kept + piece)[-_OVERLAP_BYTES:]
    return matches


def search_parquet(files: Any, path: str, table: str, needles: Needles) -> Iterator[tuple[str, str]]:
    """Findings by column; a file of a table's log has no columns of the table, but ids in text and statistics."""
    is_log = "/_delta_log/" in path
    with files.open_input_file(path) as source:
        file = parquet.ParquetFile(source)
        for at in range(file.num_row_groups):
            for column in file.schema_arrow.names:
                for chunk in file.read_row_group(at, columns=[column]).column(column).chunks:
                    kind = None if is_log else kind_of(table, column)
                    yield from ((column, what) for what in needles.in_array(chunk, kind))
            yield from _in_statistics(file.metadata.row_group(at), needles)
        for key, value in (file.metadata.metadata or {}).items():
            yield from ((f"footer {key.decode()}", what) for what in needles.in_bytes(value))


def _in_statistics(group: Any, needles: Needles) -> Iterator[tuple[str, str]]:
    for at in range(group.num_columns):
        chunk = group.column(at)
        if chunk.statistics is not None and chunk.statistics.has_min_max:
            ends = f"{chunk.statistics.min} {chunk.statistics.max}".encode()
            yield from ((f"statistics of {chunk.path_in_schema}", what) for what in needles.in_text(ends))


class _Raw(io.RawIOBase):
    """An Arrow stream with the interface of the standard library."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer."""
        data: bytes = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def search_redis(client: Client, place: str, needles: Needles) -> Searched:
    """Search the name and the value of every key of one database, of any type."""
    num_keys = num_bytes = 0
    findings: list[tuple[str, str, str]] = []
    for keys in in_batches(client.scan_iter(count=_REDIS_BATCH), _REDIS_BATCH):
        for key, value in zip(keys, read_values(client, keys), strict=True):
            num_keys += 1
            num_bytes += len(key) + len(value)
            name = key.decode(errors="replace")
            findings += [(name, "key", what) for what in in_key(key, needles)]
            findings += [(name, "value", what) for what in in_value(key, value, needles)]
    return Searched(place, num_keys, num_bytes, tuple(sorted(findings)))


def in_key(key: bytes, needles: Needles) -> set[str]:
    """Findings in a key's name: any distinctive id; a user's hash tag or a card's post, even with small ids."""
    tags = {f"user {int(tag)}" for tag in USER_TAG.findall(key) if int(tag) in needles.of("user")}
    named = parse_key(key)
    if named is not None and named.kind.of == "post" and named.identity in needles.of("post"):
        tags.add(f"post {named.identity}")
    return tags | needles.in_text(key)


def in_value(key: bytes, value: bytes, needles: Needles) -> set[str]:
    """Findings in a value: in the columns of a packed pool, else in its bytes, and in a set's members by their kind."""
    if value.startswith(POOL_MAGIC):
        pool = unpack_pool(value)
        posts, authors, sources = (set(pool.columns[name].tolist()) for name in ("post_id", "author_id", "source_id"))
        people = authors if pool.owner is None else authors | {pool.owner}
        matches = {f"post {i}" for i in posts & needles.of("post")} | {f"user {i}" for i in people & needles.of("user")}
        return matches | {f"source {i}" for i in sources & needles.distinctive}
    members = [line for line in value.split(b"\n") if line]
    found = needles.in_bytes(value)
    for member, kind in erasable_members(key).items():
        found |= {f"{kind} {i}" for i in ids_of_members(members, member) & needles.of(kind)}
    return found


def read_values(client: Client, keys: list[bytes]) -> Iterator[bytes]:
    """The content of each key as bytes, members one per line; empty for a key removed in the meantime."""
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.type(key)
    types: list[bytes] = pipe.execute()
    readers = {b"string": "get", b"set": "smembers", b"hash": "hgetall", b"zset": "zrange", b"list": "lrange"}
    pipe = client.pipeline(transaction=False)
    for key, kind in zip(keys, types, strict=True):
        if kind in (b"zset", b"list"):
            getattr(pipe, readers[kind])(key, 0, -1)
        elif kind == b"stream":
            pipe.xrange(key)
        elif kind in readers:
            getattr(pipe, readers[kind])(key)
        elif kind == b"none":
            pipe.exists(key)
        else:
            raise ValueError(f"Redis key {key!r} is of type {kind!r}, which cannot be searched")
    yield from (_flat(value) for value in pipe.execute())


def _flat(value: Any) -> bytes:
    if value is None or isinstance(value, int):
        return b""
    if isinstance(value, bytes):
        return value
    items = [part for pair in value.items() for part in pair] if isinstance(value, dict) else list(value)
    return b"\n".join(_flat(item) for item in items)
