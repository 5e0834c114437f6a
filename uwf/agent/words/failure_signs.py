"""What agents, the services behind them and common tools are known to print, by the class of failure that it tells."""

from __future__ import annotations

QUOTA, AUTHENTICATION, NETWORK = "quota", "authentication", "network"
OUT_OF_MEMORY = "out_of_memory"

_STATUS = (
    r"(?:(?<![a-z])(?:http(?:/[\d.]+)?|status|code|error|api)[ _]?(?:code|error)?\W{0,12}"
    r"|(?m:^\W{0,4})(?=\d{3}\]? [a-z<{]))"
)
"""What stands before a number that is the status of an answer: a word for it, or nothing, where a reason follows."""

_SAYS = {
    QUOTA: (
        r"usage[ _]limit",
        r"rate[ _-]?limit",
        rf"{_STATUS}429\b",
        r"too many requests",
        r"(?<!disk )quota[ _](?:exceeded|reached|exhausted)",
        r"exceeded your (?:current |daily |monthly )?quota",
        r"check quota|insufficient_quota|quota will reset",
        r"resource[ _](?:has been )?exhausted",
        r"(?:hit|reached|exceeded|used up|exhausted) (?:your|the|its|all)\b[\w' -]{0,40}"
        r"\b(?:limit|quota|usage|credits|capacity|balance|allowance|budget|messages|tokens|cap)\b",
        r"\b(?:request|token|message|plan|tier)s? limit (?:has been |was |is )?(?:reached|exceeded|hit)",
        r"request rejected \(429\)|\(429\)",
        r"\b(?:session|hourly|daily|weekly|monthly|\d+-hour|spending) limit",
        r"credit balance (?:is )?too low|out of credits|insufficient (?:credits|funds|balance)",
        r"(?:free|included) usage exceeded|limiting requests",
        r"rate[ -]limited|(?:spending|spend|usage) cap reached",
        rf"{_STATUS}402\b|payment required|out of (?:extra )?usage",
        r"used up (?:[\w-]+ ){0,5}(?:limit|quota|usage|credits)|out of (?:[\w-]+ )?(?:quota|messages|tokens)\b",
    ),
    AUTHENTICATION: (
        rf"{_STATUS}40[13]\b|\b403 forbidden",
        r"missing environment variable\W+\w*(?:key|token)",
        r"unauthori[sz]ed|unauthenticated|forbidden: your account",
        r"(?:invalid|incorrect|expired|missing) (?:x-)?api[ _-]?key",
        r"api[ _-]?key (?:is )?(?:not (?:found|valid|set)|missing|invalid|expired)",
        r"authentication[ _](?:error|failed|required)|failed to authenticate",
        r"not (?:logged|signed) in|please (?:run )?(?:`?[\w/-]+ )?/?log ?in\b",
        r"no (?:auth )?credentials found|invalid authentication credentials",
        r"(?:invalid|expired) (?:oauth |access |bearer |refresh )?token",
        r"token (?:has |is |was )?(?:expired|revoked|invalid|missing)",
        r"(?:login|session|subscription) (?:has )?expired|no api key",
        r"has disabled [\w -]{1,40} access|token could not be refreshed|set an auth method",
        r"must specify the \w*api_key|api_key client option must be set",
        r"organization has been disabled|disabled by your organization",
    ),
    OUT_OF_MEMORY: (
        r"\bout of memory",
        r"cannot allocate memory|\benomem\b",
        r"\bmemoryerror\b|std::bad_alloc",
        r"oom[ -]?kill",
    ),
    NETWORK: (
        r"connection (?:was |is )?(?:refused|reset|aborted|closed|timed ?out|error|failed)",
        r"\b(?:econn[a-z]+|etimedout|enotfound|eai_again)\b",
        r"\b(?:ehostunreach|enetunreach)\b|no route to host|network (?:is )?unreachable",
        r"could not resolve|name resolution|getaddrinfo|name or service not known",
        r"socket hang up|fetch failed|network error|(?:request|read|connect|operation) timed out",
        r"(?:tls|ssl) handshake",
        rf"{_STATUS}5\d\d\b",
        r"(?:unable|failed|could not|cannot|can't|couldn't) (?:to )?"
        r"(?:connect|reach|resolve (?:the )?(?:host|dns|name|address|server|api))\b",
        r"connection_?refused|waiting for network|error sending request",
        r"no such host|connection lost|reconnecting|request timeout|api error: terminated",
        r"stream idle timeout|stalled mid-stream|premature close|upstream error",
        r"server had an error|stream (?:disconnected|closed)|high demand|server-side issue|internal server error",
        r"bad gateway|service (?:is )?(?:temporarily |currently )?unavailable|gateway time-?out",
        r"overloaded_error|\boverloaded\b|(?:servers?|model|engine|backend|api) (?:(?:is|are) )?(?:temporarily "
        r"|currently )*(?:unavailable|busy|at capacity|down)\b|dial tcp\b|upstream connect error",
    ),
}
"""Patterns over text in lower case. The first class that fits is taken: a limit that was reached is also told
by connections that were closed.
"""

_HOPELESS = (
    r"ran out of room in the model's context|\bmodel not found|model_?not_?found_?error",
    rf"{_STATUS}(?:400|404|405|410|413|414|415|422)\b|invalid_request_error|model_not_found",
    r"issue with the selected model|context (?:length|window) exceeded|maximum context length is \d",
    r"(?:request|prompt|input|payload|content)(?: entity| body)? (?:is )?too (?:large|long)",
    r"\b400 bad request|\b404 not found|\bmodel:? .{1,80}(?:not found|does(?: not|n't) exist)",
)
_UNPAID = (
    r"credit balance (?:is )?too low|out of credits|insufficient (?:credits|funds|balance)"
    r"|payment required"
)


def told_by(text: str) -> str | None:
    """The class that the error `text` tells; None for none that is known."""
    found = (name for name, patterns in _SAYS.items() if _has(text, *patterns))
    return next(found, None)


def is_refused(text: str) -> bool:
    """Whether `text` says that the service will not take this request, however often it is asked."""
    return _has(text, *_HOPELESS)


def is_unpaid(text: str) -> bool:
    """Whether the limit that `text` tells of is one that only a payment lifts."""
    return _has(text, _UNPAID)


def _has(text: str, *patterns: str) -> bool:
    import re

    text = text.lower()
    return any(re.search(pattern, text) for pattern in patterns)
