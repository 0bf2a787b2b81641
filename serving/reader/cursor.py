"""Cursors: where a page ended, sealed so that only the user it was given to can continue, with the same filter."""

import base64
import binascii
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from serving.reader.merging import NONE_PASSED, Passed
from serving.reader.selection import LEVELS, FeedFilter, Level

_PAYLOAD = struct.Struct("<BIIBI")  # version, epoch, position, level, expires at
_PASSED = struct.Struct("<BBdq")  # fresh posts on earlier pages: how many, ranked ones since the last, its key
_VERSION = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SIZES = (_PAYLOAD.size, _PAYLOAD.size + _PASSED.size)
_TEXT_CHARACTERS = [(_NONCE_BYTES + size + _TAG_BYTES) // 3 * 4 for size in _SIZES]
"""42 or 60 bytes: no padding, one spelling each. The short one has passed no fresh post; older readers know it."""
EXPIRED = "cursor expired"
NOT_VALID = "cursor not valid"


class CursorError(Exception):
    """A cursor that cannot be continued; its text is ``EXPIRED`` or ``NOT_VALID``."""


@dataclass(frozen=True)
class Cursor:
    """The next position to read in one level of one epoch; positions count before suppression, so they never shift.

    ``arm`` names the arm whose pool was being read; None: the common one. ``passed`` are fresh posts on earlier pages.
    """

    epoch: int
    level: Level
    position: int
    arm: str | None = None
    passed: Passed = NONE_PASSED


class CursorCodec:
    """Seals and opens cursors with AES-256-GCM under a key derived from the token secret (HKDF, RFC 5869)."""

    def __init__(self, secret: bytes, lifetime_s: int, clock: Callable[[], float] = time.time) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"feedlake cursor v1").derive(secret)
        self._cipher = AESGCM(key)
        self._lifetime_s = lifetime_s
        self._clock = clock

    def seal(self, cursor: Cursor, user_id: int, feed_filter: FeedFilter) -> str:
        """The cursor as URL-safe text (56 or 80 characters), bound to ``user_id``, ``feed_filter`` and its arm."""
        expires_at = int(self._clock()) + self._lifetime_s
        payload = _PAYLOAD.pack(_VERSION, cursor.epoch, cursor.position, LEVELS.index(cursor.level), expires_at)
        if (passed := cursor.passed).count:
            payload += _PASSED.pack(passed.count, passed.num_since, *passed.key)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, payload, _bound_to(user_id, feed_filter, cursor.arm))
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, text: str, user_id: int, feed_filter: FeedFilter, arm: str | None = None) -> Cursor:
        """The cursor in ``text``, into a pool of the user's ``arm`` or the common one.

        Raises ``CursorError`` when it is forged, another user's, filter's or arm's, or expired.
        """
        if len(text) not in _TEXT_CHARACTERS:
            raise CursorError(NOT_VALID)
        try:
            sealed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise CursorError(NOT_VALID) from None
        # The decoder also takes the other alphabet: a cursor has one spelling, the one that was given out.
        if base64.urlsafe_b64encode(sealed).decode() != text:
            raise CursorError(NOT_VALID)
        payload = self._decrypted(sealed, _bound_to(user_id, feed_filter, arm))
        if payload is None and arm is not None:
            arm, payload = None, self._decrypted(sealed, _bound_to(user_id, feed_filter, None))
        if payload is None:
            raise CursorError(NOT_VALID)
        version, epoch, position, level, expires_at = _PAYLOAD.unpack_from(payload)
        if version != _VERSION:
            raise CursorError(EXPIRED)
        if self._clock() >= expires_at:
            raise CursorError(EXPIRED)
        passed = NONE_PASSED
        if len(payload) > _PAYLOAD.size:
            count, num_since, *key = _PASSED.unpack_from(payload, _PAYLOAD.size)
            passed = Passed(count, (key[0], key[1]), num_since)
        return Cursor(epoch, LEVELS[level], position, arm, passed)

    def _decrypted(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except InvalidTag:
            return None


def _bound_to(user_id: int, feed_filter: FeedFilter, arm: str | None) -> bytes:
    return f"{user_id}|{feed_filter}{'' if arm is None else f'|{arm}'}".encode()
