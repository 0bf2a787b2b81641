"""The little of S3 that folders and leases ask for, in this process: objects, conditions on a put, listings."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

KEY, BUCKET = "fake-key", "fake-bucket"


@dataclass
class FakeS3:
    """Objects by key; ``log`` has each request's method and key."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def put(self, key: str, body: bytes, if_none_match: str | None, if_match: str | None) -> tuple[int, str]:
        with self.lock:
            old = self.objects.get(key)
            if if_none_match == "*" and old is not None:
                return 412, "PreconditionFailed"
            if if_match is not None and (old is None or etag(old) != if_match):
                return (404, "NoSuchKey") if old is None else (412, "PreconditionFailed")
            self.objects[key] = body
            return 200, etag(body)

    def list(self, prefix: str, delimiter: str) -> str:
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        rest = [key[len(prefix) :] for key in keys]
        folders = sorted({f"{prefix}{name.partition('/')[0]}/" for name in rest if "/" in name}) if delimiter else []
        shown = [key for key, name in zip(keys, rest, strict=True) if not (delimiter and "/" in name)]
        contents = "".join(f"<Contents><Key>{escape(key)}</Key><Size>1</Size></Contents>" for key in shown)
        prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}{prefixes}</ListBucketResult>"


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'  # noqa: S324 - what S3 calls an ETag


class Handler(BaseHTTPRequestHandler):
    """One request; the server carries the ``FakeS3``."""

    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        fake: FakeS3 = self.server.fake  # type: ignore[attr-defined]
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fake.log.append((self.command, key))
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            self._answer(403, error("InvalidAccessKeyId"))
        elif bucket != BUCKET:
            self._answer(404, error("NoSuchBucket"))
        elif not key:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._answer(200, fake.list(query.get("prefix", ""), query.get("delimiter", "")).encode())
        elif self.command == "PUT":
            status, told = fake.put(key, body, self.headers.get("If-None-Match"), self.headers.get("If-Match"))
            self._answer(status, b"" if status == 200 else error(told), {"ETag": told} if status == 200 else {})
        elif self.command == "DELETE":
            fake.objects.pop(key, None)
            self._answer(204, b"")
        elif key not in fake.objects:
            self._answer(404, error("NoSuchKey"))
        else:
            content = fake.objects[key]
            self._answer(200, content, {"ETag": etag(content)})

    do_GET = do_HEAD = do_PUT = do_DELETE = _handle  # noqa: N815

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@contextmanager
def fake_s3() -> Iterator[FakeS3]:
    """A running fake, which the environment names."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake = FakeS3(f"http://127.0.0.1:{server.server_address[1]}")
    server.fake = fake  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", fake.url)
        patch.setenv("AWS_ACCESS_KEY_ID", KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "fake-secret")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield fake
    server.shutdown()
    server.server_close()
