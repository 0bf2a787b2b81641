"""Measure how far a landing file can be read, and whether it still begins with what was read before. No Spark.

A file may grow while it is read and afterwards. So a reading ends at a consistent length: after the last complete line,
or after an unterminated last line that is a whole JSON object, to which nothing can be added. In a gzip file it ends
after a whole member. A later night recognises the file by length and checksum of these bytes.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import IO

from spark_jobs.ingest.landing_area import PROBLEMS, LandingFile, Reason, open_bytes

CHUNK_BYTES = 2**20
_GZIP, _GZIP_MAGIC = zlib.MAX_WBITS | 16, b"\x1f\x8b"


@dataclass(frozen=True)
class Reading:
    """What was read of a file: its first ``num_bytes`` as stored, with ``num_lines`` lines.

    ``checksum`` is the SHA-256 of these bytes. ``is_open``: the last line had no end yet.
    """

    num_bytes: int = 0
    num_lines: int = 0
    checksum: str = hashlib.sha256().hexdigest()
    is_open: bool = False


@dataclass(frozen=True)
class Measured:
    """How far a file can be read now; if not to its end, the reason and a sentence for people."""

    reading: Reading
    reason: Reason | None = None
    problem: str | None = None


@dataclass
class Lines:
    """Counts line ends in pieces of bytes; ``tail`` is the rest after the last end.

    ``watched_text`` is the text so far of line ``watched`` (1-based).
    """

    num_ends: int = 0
    watched: int = 0
    watched_text: bytes = b""
    tail: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes) -> bytes:
        """Add a piece; returns the bytes of the lines that it ends."""
        ended, newline, rest = piece.rpartition(b"\n")
        if not newline:
            self.tail += piece
            return b""
        finished = bytes(self.tail) + ended + newline
        num_ends = finished.count(b"\n")
        if self.num_ends < self.watched <= self.num_ends + num_ends:
            self.watched_text = finished.split(b"\n")[self.watched - 1 - self.num_ends]
        self.num_ends += num_ends
        self.tail = bytearray(rest)
        return finished

    def watched_line(self) -> bytes:
        """The text so far of the watched line, with or without an end."""
        return bytes(self.tail) if self.num_ends < self.watched else self.watched_text


def is_gzip(source: str) -> bool:
    """Whether a landing file is gzip, by its name."""
    return source.lower().endswith(".gz")


def measure(file: LandingFile, known: Reading) -> Measured:
    """How far ``file`` can be read, up to its listed size; ``known`` is the earlier reading.

    A file that no longer begins with the bytes read before keeps the earlier reading; its reason is ``changed``.
    """
    with open_bytes(file.path) as opened:
        checksum = hashlib.sha256()
        for chunk in _chunks(opened, known.num_bytes):
            checksum.update(chunk)
        if checksum.hexdigest() != known.checksum:
            return _refused(known, "changed", what=f"its first {known.num_bytes:,} bytes are not those any more")
        if not is_gzip(file.source):
            return _measure_plain(_chunks(opened, file.num_bytes - known.num_bytes), checksum, known)
    with open_bytes(file.path) as opened:
        return _measure_gzip(_chunks(opened, file.num_bytes), known)


def _measure_plain(chunks: Iterator[bytes], checksum: "hashlib._Hash", known: Reading) -> Measured:
    """Measure the ``chunks`` after the known bytes; ``checksum`` is that of the known bytes."""
    lines, num_bytes = Lines(known.num_lines - known.is_open, known.num_lines if known.is_open else 0), known.num_bytes
    for chunk in chunks:
        finished = lines.feed(chunk)
        checksum.update(finished)
        num_bytes += len(finished)
    if known.is_open:
        if lines.watched_line().strip():
            return _goes_on(known)
        if lines.num_ends < known.num_lines:  # blanks only: the line still has no end
            return Measured(known)
    is_open = is_whole_object(lines.tail)
    if is_open:
        checksum.update(lines.tail)
        num_bytes += len(lines.tail)
    return _ended(Reading(num_bytes, lines.num_ends + is_open, checksum.hexdigest(), is_open), lines.tail)


def _measure_gzip(chunks: Iterator[bytes], known: Reading) -> Measured:
    """Measure all ``chunks``: gzip members may be appended, and a line may span two members."""
    lines, checksum, position = Lines(watched=known.num_lines if known.is_open else 0), hashlib.sha256(), 0
    whole, tail, begin = Reading(), b"", next(chunks, b"")
    try:
        for packed, text, ends_member in _unpacked(chain([begin], chunks)):
            lines.feed(text)
            checksum.update(packed)
            position += len(packed)
            if ends_member:
                tail = bytes(lines.tail)
                is_open = is_whole_object(tail)
                whole = Reading(position, lines.num_ends + is_open, checksum.hexdigest(), is_open)
    except zlib.error:
        reason: Reason = "damaged" if begin.startswith(_GZIP_MAGIC) else "not_gzip"
        return _refused(whole, reason, at=f"{whole.num_bytes:,}")
    if known.is_open and not is_whole_object(lines.watched_line()):
        return _goes_on(known)
    if whole.num_bytes < position:
        return _refused(whole, "unfinished", what=f"the gzip member at byte {whole.num_bytes:,}")
    return _ended(whole, tail)


def _unpacked(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bytes, bool]]:
    """Packed bytes, unpacked bytes, and whether they end a member; zeros after a member belong to it."""
    unpacker = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        rest = chunk
        while rest:
            if unpacker.eof:
                begin = rest.lstrip(b"\0")
                yield rest[: len(rest) - len(begin)], b"", True
                rest, unpacker = begin, zlib.decompressobj(_GZIP)
                continue
            text = unpacker.decompress(rest)
            packed = rest[: len(rest) - len(unpacker.unused_data)]
            rest = unpacker.unused_data
            yield packed, text, unpacker.eof


def part_to_read(file: LandingFile, known: Reading, reading: Reading) -> LandingFile | None:
    """The part of ``file`` in ``reading`` after ``known``; None if it holds no line."""
    if reading.num_lines == known.num_lines:
        return None
    if is_gzip(file.source):
        first, last = known.num_lines + 1, reading.num_lines
        return replace(file, num_bytes=reading.num_bytes, first_line=first, last_line=last)
    # The rest after an open line is its line end, a blank line of the same number.
    first = known.num_lines + (0 if known.is_open else 1)
    return replace(file, start=known.num_bytes, num_bytes=reading.num_bytes, first_line=first)


def is_whole_object(line: bytes | bytearray) -> bool:
    """Whether an unterminated line is a whole JSON object, to which only blanks can be added."""
    text = line.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return False
    try:
        return isinstance(json.loads(text.decode(errors="replace")), dict)
    except RecursionError:  # nested too deep to be an event, whole or not
        return True
    except ValueError:
        return False


def _ended(reading: Reading, tail: bytes | bytearray) -> Measured:
    if reading.is_open or not tail.strip():
        return Measured(reading)
    return _refused(reading, "unfinished", what=f"line {reading.num_lines + 1:,}")


def _goes_on(known: Reading) -> Measured:
    return _refused(known, "changed", what=f"line {known.num_lines:,}, which was whole, goes on now")


def _refused(reading: Reading, reason: Reason, **what: str) -> Measured:
    return Measured(reading, reason, PROBLEMS[reason].format(**what))


def _chunks(opened: IO[bytes], num_bytes: int) -> Iterator[bytes]:
    """The next ``num_bytes`` of the file, or as many as there are."""
    left = num_bytes
    while left > 0 and (chunk := opened.read(min(left, CHUNK_BYTES))):
        yield chunk
        left -= len(chunk)
