"""A headless Chromium, driven over WebDriver's own HTTP interface.

https://www.w3.org/TR/webdriver2/
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from seo_warehouse.embedded.postgres import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Browser:
    """One window."""

    session_url: str

    def open(self, url: str) -> None:
        """Go to a page and wait until it has loaded."""
        self._call("POST", "url", url=url)

    def address(self) -> str:
        """Where the window is."""
        return str(self._call("GET", "url"))

    def text(self) -> str:
        """What a person can read on the page."""
        return str(self.run("return document.body.innerText"))

    def wait_for(self, *wanted: str) -> str:
        """Wait until the page shows all of these words. Returns its text."""
        deadline = time.monotonic() + WAIT_SECONDS
        while missing := [word for word in wanted if word not in self.text()]:
            assert time.monotonic() < deadline, f"{self.address()} lacks {missing}: {self.text()[:2000]}"
            time.sleep(0.2)
        return self.text()

    def run(self, script: str) -> Any:
        """What a script on the page returns."""
        return self._call("POST", "execute/sync", script=script, args=[])

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of Chrome's DevTools protocol."""
        return self._call("POST", "goog/cdp/execute", cmd=name, params=parameters)

    def log(self, kind: str) -> list[Any]:
        """What was logged since the last call: of `browser` messages, of `performance` the DevTools events."""
        entries = self._call("POST", "se/log", type=kind)
        return [json.loads(entry["message"])["message"] if kind == "performance" else entry for entry in entries]

    def write(self, selector: str, text: str) -> None:
        """Type into the field that a CSS selector finds."""
        self._call("POST", f"element/{self._find(selector)}/value", text=text)

    def click(self, selector: str) -> None:
        """Click what a CSS selector finds."""
        self._call("POST", f"element/{self._find(selector)}/click")

    def _find(self, selector: str) -> str:
        return str(self._call("POST", "element", using="css selector", value=selector)[ELEMENT])

    def _call(self, method: str, path: str, **body: Any) -> Any:
        data = json.dumps(body) if method == "POST" else None
        answer = requests.request(method, f"{self.session_url}/{path}", data=data, timeout=120)
        assert answer.ok, answer.text[:2000]
        return answer.json()["value"]


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A window of a fresh browser whose profile lies in `folder`."""
    port = free_port()
    arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={folder}"]
    capabilities = {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": [*arguments, "--window-size=1600,1000"]},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }
    with subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL) as driver:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(url)
            wish = {"capabilities": {"alwaysMatch": capabilities}}
            answer = requests.post(f"{url}/session", json=wish, timeout=120)
            assert answer.ok, answer.text[:2000]
            session_url = f"{url}/session/{answer.json()['value']['sessionId']}"
            browser = Browser(session_url)
            # A page builds itself after it has loaded: fields are waited for.
            requests.post(f"{session_url}/timeouts", json={"implicit": 30_000}, timeout=60).raise_for_status()
            try:
                yield browser
            finally:
                # The driver leaves its browser running.
                requests.delete(session_url, timeout=60)
        finally:
            driver.terminate()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if requests.get(f"{url}/status", timeout=5).json()["value"]["ready"]:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "chromedriver does not start"
        time.sleep(0.1)
