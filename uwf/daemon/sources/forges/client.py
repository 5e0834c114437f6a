"""Asking a forge over HTTP: one GET at a time, within a time limit, as the forge wants to be asked.

What was had before is not asked for again (`If-None-Match`), and where the forge says "not before", that is raised as
a `SourceFault` with the time. The token goes to the forge's own address and nowhere else, whatever a redirect or a
link to the next page says. No caller waits for longer than until `deadline_s`, but for a name that does not resolve.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections import deque
from urllib.parse import urljoin, urlsplit

from uwf import clock
from uwf.errors import InputError, UwfError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message
    from typing import IO, Any

PAGE_BYTES = 8 << 20
LOG_BYTES = 32 << 20
CHUNK_BYTES = 1 << 16
LINE_CHARS = 2000
REDIRECTS = 3
SLOWER_MS = 60_000  # when the forge says "too often" and no time


class SourceFault(UwfError):
    """Why a source could not be asked now. `retry_at_ms` is what it said itself about when to ask again."""

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
    """One forge, asked until `deadline_s` of the monotonic clock."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], token: str, *, deadline_s: float
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"User-Agent": "uwf", **headers}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._deadline_s = deadline_s
        self._open_again_ms = 0
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirects(),
        ):
            self._opener.add_handler(handler)

    def get(self, path: str, etag: str | None = None) -> Answer:
        """The JSON at `path`, which may also be the `next_url` of an answer. Raises `SourceFault`."""
        from uwf.daemon.intake import strict_json

        url = self._url(path)
        with self._response(url, {"If-None-Match": etag} if etag else {}) as response:
            if response.status == http.client.NOT_MODIFIED:
                return Answer(None, etag)
            data = b"".join(self._chunks(response, url, PAGE_BYTES))
            if len(data) > PAGE_BYTES:
                raise SourceFault(f"{url} answers with more than {PAGE_BYTES >> 20} MiB")
            try:
                value = strict_json.parse(data, url, max_bytes=PAGE_BYTES)
            except InputError as error:
                raise SourceFault(error.message) from None
            if value is None:
                raise SourceFault(f"{url} answers with nothing")
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
        if path.startswith(("http://", "https://")):
            if urlsplit(path)[:2] != urlsplit(self._base)[:2]:
                raise SourceFault(f"{self._base} sends us to {path:.200}, which is another host")
            return path
        return self._base + path

    def _response(self, url: str, more: Mapping[str, str]) -> http.client.HTTPResponse:
        if self._open_again_ms > clock.now_ms():
            raise self._too_often(url)
        request = urllib.request.Request(url, headers={**self._headers, **more})
        try:
            response = self._opener.open(request, timeout=self._left_s(url))
        except urllib.error.HTTPError as error:
            self._learn(error.headers, error.code)
            if error.code == http.client.NOT_MODIFIED:
                return error  # type: ignore[return-value]  # it has what is asked of one
            with error:
                raise self._fault(url, error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceFault(f"cannot reach {url}: {_cause(error)}") from None
        self._learn(response.headers, response.status)
        return response  # type: ignore[no-any-return]

    def _chunks(self, response: http.client.HTTPResponse, url: str, most: int) -> Iterator[bytes]:
        """What is read, up to a little more than `most`."""
        size = 0
        try:
            while size <= most and (chunk := response.read1(CHUNK_BYTES)):
                size += len(chunk)
                yield chunk
                self._left_s(url)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceFault(f"{url} broke off: {_cause(error)}") from None

    def _left_s(self, url: str) -> float:
        left = self._deadline_s - clock.monotonic_s()
        if left <= 0:
            raise SourceFault(f"{url} was too slow")
        return left

    def _learn(self, headers: Message, status: int) -> None:
        """Until when the forge wants to be left alone."""
        now_ms = clock.now_ms()
        until = 0
        if headers.get("X-RateLimit-Remaining") == "0":
            until = _number(headers.get("X-RateLimit-Reset")) * 1000
        if status in (403, 429, 503) and headers.get("Retry-After"):
            until = max(until, _retry_after_ms(headers["Retry-After"], now_ms))
        if status == http.client.TOO_MANY_REQUESTS and until <= now_ms:
            until = now_ms + SLOWER_MS
        self._open_again_ms = max(self._open_again_ms, until)

    def _fault(self, url: str, error: urllib.error.HTTPError) -> SourceFault:
        if self._open_again_ms > clock.now_ms():
            return self._too_often(url)
        why = {401: "the token is not accepted", 403: "the token may not read this"}.get(error.code)
        words = why or http.client.responses.get(error.code, "an answer that is none").lower()
        return SourceFault(f"{url} says {error.code}: {words}", status=error.code)

    def _too_often(self, url: str) -> SourceFault:
        until_ms = self._open_again_ms
        host = urlsplit(url).netloc
        message = f"{host} wants to be asked again at {clock.iso(until_ms)}, not before"
        return SourceFault(message, status=429, retry_at_ms=until_ms)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Few, never to less safety, and without the token where they lead to another host."""

    max_redirections = REDIRECTS
    max_repeats = 1

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise ValueError(f"it leads from https to {newurl:.100}")
        new = urllib.request.Request(newurl, headers=dict(req.headers))
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            new.remove_header("Authorization")
        return new


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
    return words or type(cause).__name__
