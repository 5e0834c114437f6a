"""Asking a forge over HTTP: one GET at a time, within a time limit, as the forge wants to be asked.

What was had before is not asked for again (`If-None-Match`), and where the forge says "not before", that is raised as
a `SourceFault` with the time. The token goes to the forge's own address and nowhere else, whatever a redirect or a
link to the next page says. No caller waits for longer than until `deadline_s`, but for a name that does not resolve.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from http.client import (
    MULTIPLE_CHOICES,
    NOT_MODIFIED,
    TOO_MANY_REQUESTS,
    HTTPException,
    HTTPResponse,
    responses,
)
from urllib.parse import urljoin, urlsplit

from uwf import clock
from uwf.daemon.sources.forges.connection import Connection
from uwf.errors import InputError, UwfError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message
    from typing import Any

PAGE_BYTES = 8 << 20
LOG_BYTES = 32 << 20
CHUNK_BYTES = 1 << 16
LINE_CHARS = 2000
REDIRECTS = 3
REDIRECTING = (301, 302, 303, 307, 308)
HTTP = ("http://", "https://")
LONGEST_PEACE_MS = 24 * 3600_000
"""No forge is left alone for longer: its clock, or ours, may be wrong by years."""
SLOWER_MS = 60_000  # when the forge says "too often" and no time


class SourceFault(UwfError):
    """Why a source could not be asked now. `status` is that of its answer, None where there was none; `retry_at_ms` is
    what it said itself about when to ask again.
    """

    default_code = "source"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_at_ms: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_at_ms = retry_at_ms

    def retry_ms(self, now_ms: int) -> int | None:
        return self.retry_at_ms


class Answer(Record):
    """What a GET gave. `value` is None where nothing has changed since `etag`."""

    value: Any
    etag: str | None = None
    next_url: str | None = None

    @property
    def is_unchanged(self) -> bool:
        return self.value is None


class Client:
    """One forge, asked until `deadline_s` of the monotonic clock, over one connection."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], token: str, *, deadline_s: float
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"User-Agent": "uwf", **headers}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._deadline_s = deadline_s
        self._open_again_ms = 0
        self._connection: Connection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def get(self, path: str, etag: str | None = None) -> Answer:
        """The JSON at `path`, which may also be the `next_url` of an answer. Raises `SourceFault`."""
        from uwf.daemon.intake import strict_json

        url = self._url(path)
        with self._response(url, {"If-None-Match": etag} if etag else {}) as response:
            if response.status == NOT_MODIFIED and etag:
                return Answer(None, etag)
            data = b"".join(self._chunks(response, url, PAGE_BYTES))
            if len(data) > PAGE_BYTES:
                most = PAGE_BYTES >> 20
                raise SourceFault(
                    f"{url} answers with more than {most} MiB", status=response.status
                )
            try:
                value = strict_json.parse(data, url, max_bytes=PAGE_BYTES)
            except InputError as error:
                raise SourceFault(error.message, status=response.status) from None
            if value is None:
                raise SourceFault(f"{url} answers with nothing", status=response.status)
            return Answer(value, response.headers.get("ETag"), _next(response.headers, url))

    def tail(self, path: str, lines: int) -> list[str]:
        """The last `lines` lines of the text at `path`."""
        url = self._url(path)
        kept: deque[str] = deque(maxlen=lines)
        rest = b""
        with self._response(url, {}) as response:
            for chunk in self._chunks(response, url, LOG_BYTES):
                *whole, rest = (rest + chunk).split(b"\n")
                kept.extend(_text(line) for line in whole)
                rest = rest[-CHUNK_BYTES:]  # a line without end
        if rest:
            kept.append(_text(rest))
        return list(kept)

    def _url(self, path: str) -> str:
        if path.startswith(HTTP):
            if urlsplit(path)[:2] != urlsplit(self._base)[:2]:
                raise SourceFault(f"{self._base} sends us to {path:.200}, which is another host")
            return path
        return self._base + path

    @contextmanager
    def _response(self, url: str, more: Mapping[str, str]) -> Iterator[HTTPResponse]:
        """An answer that is good, or says that nothing has changed; behind few redirects, never to less safety."""
        if self._open_again_ms > clock.now_ms():
            raise self._too_often(url)
        there, headers = url, {**self._headers, **more}
        for _ in range(REDIRECTS + 1):
            with self._asked(there, headers) as response:
                self._learn(response.headers, response.status)
                if response.status < MULTIPLE_CHOICES or response.status == NOT_MODIFIED:
                    yield response
                    return
                if self._open_again_ms > clock.now_ms():
                    raise self._too_often(url)
                leads_to = response.headers.get("Location")
                if response.status not in REDIRECTING or leads_to is None:
                    raise _fault(there, response.status)
                there = _led(there, response.status, leads_to)
        raise SourceFault(f"{url} leads from one address to the next", status=response.status)

    @contextmanager
    def _asked(self, url: str, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        """The answer to one GET. The connection to the forge is kept; where else a redirect leads, the token does not
        go, and the connection ends with the answer.
        """
        connection = self._connection
        if connection is None or connection.to != urlsplit(url)[:2]:
            connection = Connection(url, self._deadline_s)
        if urlsplit(url)[:2] == urlsplit(self._base)[:2]:
            self._connection = connection
        else:
            headers = {name: each for name, each in headers.items() if name != "Authorization"}
        try:
            response = connection.get(url, headers)
        except (OSError, HTTPException, ValueError) as error:
            raise SourceFault(f"cannot reach {url}: {_cause(error)}") from None
        try:
            yield response
        finally:
            connection.release(response)
            if connection is not self._connection:
                connection.close()

    def _chunks(self, response: HTTPResponse, url: str, most: int) -> Iterator[bytes]:
        """What is read, up to a little more than `most`."""
        size = 0
        try:
            while size <= most and (chunk := response.read(CHUNK_BYTES)):
                size += len(chunk)
                yield chunk
        except (OSError, HTTPException, ValueError) as error:
            raise SourceFault(f"{url} broke off: {_cause(error)}") from None
        if response.length and size <= most:
            raise SourceFault(f"{url} broke off: {response.length} bytes are missing")

    def _learn(self, headers: Message, status: int) -> None:
        """Until when the forge wants to be left alone."""
        now_ms = clock.now_ms()
        until = 0
        if headers.get("X-RateLimit-Remaining") == "0":
            until = _number(headers.get("X-RateLimit-Reset")) * 1000
        if status in (403, 429, 503) and headers.get("Retry-After"):
            until = max(until, _retry_after_ms(headers["Retry-After"], now_ms))
        if status == TOO_MANY_REQUESTS and until <= now_ms:
            until = now_ms + SLOWER_MS
        until = min(until, now_ms + LONGEST_PEACE_MS)
        self._open_again_ms = max(self._open_again_ms, until)

    def _too_often(self, url: str) -> SourceFault:
        until_ms = self._open_again_ms
        host = urlsplit(url).netloc
        message = f"{host} wants to be asked again at {clock.iso(until_ms)}, not before"
        return SourceFault(message, status=429, retry_at_ms=until_ms)


def _fault(url: str, status: int) -> SourceFault:
    why = {401: "the token is not accepted", 403: "the token may not read this"}.get(status)
    words = why or responses.get(status, "an answer that is none").lower()
    return SourceFault(f"{url} says {status}: {words}", status=status)


def _led(url: str, status: int, to: str) -> str:
    """Where a redirect leads from `url`."""
    there = urljoin(url, to.replace(" ", "%20"))
    if not there.startswith("https://" if url.startswith("https:") else HTTP):
        raise SourceFault(f"{url} leads to {there!r:.200}, where nobody is asked", status=status)
    return there


def _next(headers: Message, url: str) -> str | None:
    """The next page, as `Link` has it."""
    for part in (headers.get("Link") or "").split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            return urljoin(url, address.strip().strip("<>"))
    return None


def _retry_after_ms(text: str, now_ms: int) -> int:
    """`Retry-After` as a time: a number of seconds, or a date."""
    if text.strip().isdigit():
        return now_ms + _number(text.strip()) * 1000
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return now_ms + SLOWER_MS


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")[:LINE_CHARS]


def _cause(error: BaseException) -> str:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    words = getattr(cause, "strerror", None) or str(cause)
    shown = "".join(sign if sign.isprintable() else " " for sign in words).strip()
    return shown[:200] or type(cause).__name__
