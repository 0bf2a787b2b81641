"""Headless Chromium, driven over the W3C WebDriver protocol; without it, tests that need it are skipped."""

import base64
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.nights import free_port, wait_until_open

PHONE = {"width": 390, "height": 844, "pixelRatio": 1.0}


class Browser:
    """One session, as wide as a phone."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def _call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.get(path) if body is None else self._http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def open(self, url: str) -> None:
        self._call("/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._call("/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        found = self._call("/element", {"using": "css selector", "value": selector})
        self._call(f"/element/{next(iter(found.values()))}/click", {})

    def type(self, selector: str, text: str) -> None:
        found = self._call("/element", {"using": "css selector", "value": selector})
        self._call(f"/element/{next(iter(found.values()))}/value", {"text": text})

    def wait(self, script: str, is_right: Callable[[Any], bool] = bool, patience_s: float = 30.0) -> Any:
        deadline = time.monotonic() + patience_s
        while not is_right(value := self.run(script)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{script} stays {value!r}")
            time.sleep(0.05)
        return value

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("/screenshot")))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self._call("/se/log", {"type": "browser"})]


@contextmanager
def chromium() -> Iterator[Browser]:
    driver, binary = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or binary is None:
        pytest.skip("no headless Chromium here: install chromium and chromium-driver (`make browser`)")
    port = free_port()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([driver, f"--port={port}"], stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        wait_until_open(port)
        options = {
            "binary": binary,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"],
            "mobileEmulation": {"deviceMetrics": PHONE},
        }
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as http:
            session = http.post("/session", json={"capabilities": capabilities}).json()["value"]["sessionId"]
            http.base_url = f"http://127.0.0.1:{port}/session/{session}"
            try:
                yield Browser(http)
            finally:
                http.delete(str(http.base_url).rstrip("/"))
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # Chromium is in the driver's group, and outlives it
        process.wait()
