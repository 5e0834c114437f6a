"""Which lines of an agent's output are a client's or a tool's word on an error, and which are prose about anything.

Told by how a line begins, behind colours, bullets, times and levels: `Error:`, `API Error: 529`, `HTTP 503`, a JSON
object with an error, `TypeError:`, `curl: (7)`, or a sentence that clients are known to say. What an agent writes of
its work may name every limit there is; it does not begin so.
"""

from __future__ import annotations

_BULLETS = (
    r"(?:[\s■●✗✖❌⚠️⎿│\[\]|]|\d{4}-\d\d-\d\d[t ][\d:.,]+(?:z|[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d[\d.,]*|(?:error|fatal|warn|info)(?=[\] ]))*"
)
_KIND = (
    r"(?:fatal|api|http|internal|server|backend|model|stream|request|unexpected|uncaught|provider)"
)
_HEAD = (
    rf"(?:(?:{_KIND}[ _])*(?:errors?|failure|fatal|panic|critical|exception)(?:[ _]code)?"
    r"\s*(?:\(\w[\w .-]*\))?[:!]\s*"
    rf"|api error (?=\()|(?:{_KIND} )*error(?: code)?:? (?=\d{{3}}\b|\{{)"
    r"|[a-z_.]+(?:error|exception)(?::\s*|\s*$)|traceback \("
    r"|(?:failed|stopped|aborted|giving up)[:!]\s*)"
)
_LIMIT = (
    r"(?:usage|rate|session|hourly|daily|weekly|monthly|spending|spend|request|token|quota"
    r"|\d+-hour)[ _-]?limits?"
)
_NOT = r"(?:is |has |was )?(?:not|invalid|missing|expired|revoked)"
_PHRASES = "|".join(
    (
        r"\{(?=.*(?:error|turn\.failed))",
        r"(?:http(?:/[\d.]+)?|(?:unexpected |last )?status(?: code)?:?) ?\d{3}\b",
        r"\d{3} (?:\{|[a-z]+ ?[a-z]*)",
        rf"(?:[\w-]+ ){{0,3}}{_LIMIT} (?:has been |was |is )?(?:reached|exceeded|hit)",
        rf"(?:[\w-]+ ){{0,2}}{_LIMIT}(?:\W*$|[;:|{{(]|_\w+)",
        r"(?:you(?:'ve| have)|your [\w -]{0,30}(?:has|have)) (?:hit|reached|exceeded|exhausted) ",
        r"you(?:'re| are| have run) (?:out of|not (?:logged|signed) in)|you exceeded your ",
        r"(?:your )?(?:credit )?balance is too low|insufficient_quota",
        r"(?:insufficient|out of) (?:credits?|funds|balance|quota)",
        r"api error(?::| \(| ?\d)|(?:spending|spend|usage) cap reached|credit balance too low",
        r"(?:sorry, )?you(?:'ve been| have been|'re| are) rate[ -]limited|rate[ -]limited(?:\W*$|[:;])",
        r"(?:login|session|subscription) (?:has )?expired(?:\W*$| ?[.·:;])|this organization has been disabled",
        r"[^.]{0,60}[.·] please run /login|the server had an error|dial tcp\b|[\w-]+: \[\d{3}\]",
        r"too many requests|request rejected|exceeded retry limit",
        r"(?:resource|quota) (?:has been |is )?(?:exhausted|exceeded)",
        r"(?:invalid|incorrect|expired|missing) (?:(?:x-)?api[ _-]?key|environment variable)",
        r"(?:invalid|incorrect|expired|missing) (?:\w+ )?token|no api key",
        rf"(?:your )?(?:api[ _-]?key|(?:(?:oauth|access|bearer|refresh) )?token) {_NOT}",
        r"(?:not (?:logged|signed) in|please (?:run|log ?in|sign in)|unauthori[sz]ed)\b",
        r"unauthenticated\b|forbidden\b|authentication[ _](?:error|failed|required)",
        r"(?:failed|unable|cannot|could not|couldn't|can't) (?:to )?"
        r"(?:connect|authenticate|reach|resolve|fetch|allocate|log in)",
        r"connection (?:was |is |to \S+ )?(?:refused|reset|aborted|closed|timed|error|failed|lost)",
        r"connection_?(?:error|refused)|(?:request|read|connect) timed? ?out|socket hang up",
        r"stream (?:disconnected|closed|error|ended)|fetch failed|reconnecting|retrying",
        r"e(?:conn\w+|timedout|notfound|ai_again|hostunreach|netunreach)\b",
        r"(?:read|connect|getaddrinfo) e[a-z_]+\b|network (?:error|is unreachable)",
        r"(?:we're |we are )?(?:currently )?experiencing high demand|overloaded",
        r"(?:the )?(?:server|service|model) (?:is )?(?:temporarily |currently )?"
        r"(?:overloaded|unavailable|busy|at capacity)",
        r"bad gateway|gateway time-?out|internal server error",
        r"there(?:'s| is) an issue with the selected model",
        r"(?:request|prompt|input) (?:is )?too (?:large|long)",
        r"model .{1,60} (?:not found|does not exist)",
        r"(?:.{0,40}heap )?out of memory|oom[ -]?kill|segmentation fault|terminate called",
    )
)
_TOOL = (
    r"(?!note|summary|todo|done|task|result|status|user|assistant)"
    r"[a-z][\w./@+-]*(?:\[\d+\])?: (?=[(\[]\d+[)\]]|cannot|could not|can't|unable|failed|connect|no |api"
    r" key|error|fatal|not |out of|too many|access|permission|invalid|request|rate limit"
    r"|usage limit|quota)"
)
_MARKS = " \t\r■●✗✖❌⚠️⎿│|"
_OF_WORK = r".*\b(?:(?:is|are|was|were) (?:now|retried|parsed)|handled|fixed|implemented|documented|used to)\b"
_CURLY = "\u2019"
_CONTINUED = 3
MOST_MESSAGE_CHARS = 600
_MOST_JSON_CHARS = 4000
_MOST_LINE = 2000


def is_error_line(line: str) -> bool:
    """Whether `line` begins as an error does."""
    return not _is_of_work(line) and _matches(rf"{_BULLETS}(?:{_HEAD}|{_TOOL}|{_PHRASES})", line)


def is_message(text: str) -> bool:
    """Whether all of `text` is one message of a client, which it gave instead of a reply."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or len(lines) > 2 * _CONTINUED:
        return False
    most = _MOST_JSON_CHARS if "{" in lines[0] else MOST_MESSAGE_CHARS
    if len(text.strip()) > most:
        return False
    if _is_of_work(lines[0]):
        return False
    return _matches(rf"{_BULLETS}(?:{_HEAD})*(?:{_PHRASES})", lines[0])


def error_text(text: str) -> str:
    """The error lines of `text`, each with the lines right under it, into which it may be wrapped."""
    kept: list[str] = []
    follows = 0
    for line in text.splitlines():
        if is_error_line(line):
            follows = _CONTINUED
        elif not line.strip() or not follows:
            follows = 0
            continue
        else:
            follows -= 1
        kept.append(line)
    return "\n".join(kept)


def last_error_line(text: str) -> str:
    """The last error line of `text`, in words where it is JSON; "" for none."""
    lines = text.splitlines()
    found = next((line for line in reversed(lines) if is_error_line(line)), "")
    return _in_words(found.strip().lstrip(_MARKS))


def _is_of_work(line: str) -> bool:
    """Whether a line tells what was done about an error, which may be its first word."""
    return "{" not in line and _matches(_OF_WORK, line)


def _matches(pattern: str, line: str) -> bool:
    import re

    return re.match(pattern, line[:_MOST_LINE].lower().replace(_CURLY, "'")) is not None


def _in_words(line: str) -> str:
    """The message of an error that is told as a JSON object."""
    if not line.startswith("{"):
        return line
    import json

    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    for name in ("error", "result", "message"):
        found = value.get(name)
        if isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return found.strip()
    return line
