"""Chromium without a window, told what to do over its DevTools protocol: a pipe in, a pipe out, a message each.

See https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
PATIENCE_S = 60.0

_FLAGS = (
    *("--headless=new", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--remote-debugging-pipe", "--force-device-scale-factor=1"),
)


class Browser:
    """One tab. What it logs, and what it asks a network for, is in `said` and `asked`."""

    def __init__(self, folder: Path) -> None:
        assert PROGRAM is not None, "there is a browser"
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # A sandbox needs more than a container gives; what is opened here is a test's own.
        words = [PROGRAM, *_FLAGS, "--no-sandbox", f"--user-data-dir={folder}", "about:blank"]
        # A plain sh knows no descriptor above 9.
        script = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, *words],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out, self._unread = ours_in, ours_out, b""
        self._number, self._session = 0, ""
        self.said: list[str] = []
        self.asked: list[str] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def __call__(self, method: str, **params: Any) -> Any:
        """The answer to one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url: str) -> None:
        """Go to `url` and wait until it is loaded."""
        self.said, self.asked = [], []
        self("Page.navigate", url=url)
        while self.value("document.readyState + location.href") != f"complete{url}":
            time.sleep(0.02)

    def value(self, expression: str) -> Any:
        """What JavaScript gives. It is no script of the page, and no policy of the page holds for it."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def likes(self, scheme: str) -> None:
        """Let the reader like it `dark` or `light`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self("Emulation.setEmulatedMedia", features=[feature])

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"Enter": "\r"}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Log.entryAdded":
                self.said.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.said.append(" ".join(str(each.get("value")) for each in params["args"]))
            case "Runtime.exceptionThrown":
                self.said.append(params["exceptionDetails"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])

    def _next(self) -> dict[str, Any]:
        deadline_s = time.monotonic() + PATIENCE_S
        while b"\0" not in self._unread:
            left_s = max(0.0, deadline_s - time.monotonic())
            assert select.select([self._in], [], [], left_s)[0], "the browser says nothing"
            data = os.read(self._in, 1 << 16)
            assert data, "the browser has ended"
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found
