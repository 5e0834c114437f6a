"""The sentences in which clients and services are known to tell an error, as patterns over one line, case ignored.

A sentence that names a limit or a state ends where its clause ends, else it is the subject of another one: "Rate limit
reached." is a message, "Rate limit reached errors are shown" is not.
"""

from __future__ import annotations

_LEVEL = r"warn|warning|info|error|fatal|critical|err"
BULLETS = (
    r"(?:[\s■●✕✗✘✖❌⚠️⎿│\[\]|]|\d{4}-\d\d-\d\d[t ][\d:.,]+(?:z|[+-]\d\d:?\d\d)?"
    rf"|\d\d:\d\d:\d\d[\d.,]*|(?-i:{_LEVEL.upper()})(?=[\] ])|\[(?:{_LEVEL})\](?=\s))*"
)
_KIND = (
    r"(?:fatal|api|http|internal|server|backend|model|stream|request|unexpected|uncaught|provider)"
)
HEAD = (
    rf"(?:(?:{_KIND}[ _])*(?:errors?|err|failure|fatal|panic|critical|exception)(?:[ _]code)?"
    r"\s*(?:\(\w[\w .-]*\))?[:!](?!\s*(?:none|nil|0)\b)\s*"
    rf"|api error (?=\()|(?:{_KIND} )*error(?: code)?:? (?=\d{{3}}\b|\{{)"
    r"|[a-z_.]+(?:error|exception)(?::\s*|\s*$)|traceback \("
    r"|(?:thread '[^'\n]{0,60}' )?panicked at |(?:execution error|error during execution)(?:\W*$|[:;])"
    r"|(?:failed|stopped|aborted|giving up)[:!]\s*)"
)
LEVEL_HEAD = r"(?:(?-i:ERROR|FATAL|CRITICAL|ERR)\]?\s+|\[(?:error|fatal|critical|err)\]\s+)"
"""A level that a log sets before its line, which makes an error of any words behind it."""

_LIMIT = (
    r"(?:usage|rate|session|hourly|daily|weekly|monthly|spending|spend|request|token|quota|plan|tier|message"
    r"|\d+-hour)[ _-]?limits?"
)
_COUNTED = (
    r"(?:limits?|quota|caps?|budget|credits?|usage|allowance|balance|tokens?|messages|capacity)"
)
_NO_SUBJECT = (
    r"(?!(?:when|if|once|after|until|while|on|an?|no|any|each|every|all|tests?|adds?|added|fix\w*"
    r"|handles?|shows?|says?|that|which|new)\b)"
)
_REASON = (
    r"(?:bad request|unauthori[sz]ed|payment required|forbidden|not found|method not allowed"
    r"|not acceptable|request time-?out|conflict|gone|length required|precondition failed"
    r"|(?:payload|content|request|request entity|request body|uri) too (?:large|long)"
    r"|unsupported media type|unprocessable (?:entity|content)|too many requests|insufficient balance"
    r"|internal server error|internal error|not implemented|bad gateway|service (?:temporarily )?unavailable"
    r"|gateway time-?out|overloaded|site is overloaded|server is overloaded|web server is down"
    r"|rate limit\w*|<unknown status code>|error)"
)
_CODE = r"(?:http(?:/[\d.]+)?|(?:got |unexpected |last )?status(?: code)?:?|response) ?[45]\d\d"
_NOT = r"(?:is |has |was )?(?:not|invalid|missing|expired|revoked)"
_END = (
    r"(?=\W*$|\s*[.;:,·∙|(\[{!—\u2013]|\s+[-/]\s|\s+(?:for|of|on|in|per|by|at|to|or|until|from|while|before"
    r"|with|resets?|please|try|again|after|right|because|due|and (?:could|must|will|cannot|try))\b)"
)
_OF_THE_WORK = (
    r"(?:the )?(?:localhost|127\.0\.0\.1|[\w-]*(?:sql|postgres|redis|mongo|database|db)\b)"
)
_HOST = r"(?:host|dns|name|address|server|api)"
_CLOSED = "|".join(
    (
        rf"{_CODE}(?: {_REASON})?|(?:received |got |response )?[45]\d\d\]? {_REASON}",
        rf"{_NO_SUBJECT}(?:[\w-]+ ){{0,3}}{_LIMIT}[ _](?:has been |was |is )?(?:reached|exceeded|hit)",
        rf"{_NO_SUBJECT}(?:[\w-]+ ){{0,2}}{_LIMIT}(?:_\w+|(?=\W*$|[;|{{(]|:(?! ?\d)))",
        rf"you(?:'ve| have) (?:hit|reached|exceeded|exhausted|used up) (?:all )?(?:of )?(?:your|the|this)"
        rf" (?:(?!(?:where|when|that|which|of|with)\b)[\w'-]+ ){{0,4}}{_COUNTED}",
        rf"your [\w -]{{0,30}}(?:has|have) (?:hit|reached|exceeded|exhausted) (?:[\w'-]+ ){{0,4}}{_COUNTED}",
        rf"(?:you )?(?:reached|exceeded|hit) (?:your |the )?(?:[\w-]+ ){{0,2}}{_LIMIT}",
        r"(?:context length|context window) exceeded|(?:this model's )?maximum context length is \d+(?: tokens)?",
        r"no (?:auth )?credentials found|invalid authentication credentials|temporary failure in name resolution",
        r"upstream connect error",
        rf"you(?:'re| are| have run|'ve run) out of (?:[\w-]+ ){{0,3}}{_COUNTED}",
        rf"you(?:'ve| have)? exceeded your (?:[\w-]+ ){{0,3}}{_COUNTED}",
        r"(?:you(?:'re| are) )?not (?:logged|signed) in",
        r"(?:your )?(?:credit )?balance (?:is )?too low|insufficient[ _]quota",
        r"(?:insufficient|out of) (?:extra )?(?:credits?|funds|balance|quota|usage)",
        r"(?:spending|spend|usage) cap reached|payment required",
        r"(?:sorry, )?(?:you(?:'ve been| have been|'re| are) )?(?:being )?rate[ -]limited",
        r"(?:your )?(?:oauth )?(?:login|session|subscription) (?:has )?expired",
        r"(?:this|your) organization has been disabled|[^.]{0,60} disabled by your organization",
        r"too many requests|request rejected|exceeded retry limit",
        r"(?:resource|quota)[ _](?:has been |is )?(?:exhausted|exceeded)",
        r"(?:you are )?unauthori[sz]ed|unauthenticated|forbidden|access denied",
        r"authentication[ _](?:error|failed|required)",
        r"please (?:run )?(?:`?[\w-]+ )?/?(?:log ?in|sign in)`?",
        r"connection (?:was |is |to \S+ )?(?:refused|reset|aborted|closed|timed ?out|error|failed|lost)",
        r"connection_?(?:error|refused)|(?:the )?(?:request|read|connect|operation) timed? ?out",
        r"socket hang up|fetch failed|network error|network (?:is )?unreachable",
        r"(?:(?:the|our|this) )?(?:[\w-]+ )?(?:servers?|services?|models?|engines?|backend|api)"
        r" (?:(?:is|are) )?(?:temporarily |currently )*(?:overloaded|unavailable|busy|at capacity|down)",
        r"overloaded(?:[ _]error)?|bad gateway|gateway time-?out|internal server error",
        r"service (?:is )?(?:temporarily |currently )?unavailable",
        r"(?:(?:your|the|this) )?(?:payload|request|prompt|input|content)(?: body| entity)? (?:is )?too (?:large|long)",
        r"(?:the )?(?:requested )?model:? (?:[`'\"][^`'\"]{1,80}[`'\"]|\S*[\d/-]\S*)"
        r" (?:(?:is |was )?not found|does(?: not|n't) exist)|model not found",
        r"(?:invalid|incorrect|expired|missing) (?:(?:x-)?api[ _-]?key|environment variable)(?: provided| supplied)?",
        r"(?:invalid|expired|missing) (?:(?:\w+ )?token|credentials?)(?: provided| supplied)?",
        rf"this request would exceed (?:your|the) (?:[\w'-]+ ){{0,4}}{_COUNTED}",
        r"segmentation fault|oom[ -]?kill\w*",
        rf"your [\w-]+ (?:is|has run) out of (?:[\w-]+ ){{0,3}}{_COUNTED}|(?:free|included) usage exceeded",
        r"attempt \d+ failed with status [45]\d\d|failed after \d+ attempts",
        r"(?:the )?server is (?:temporarily )?limiting requests",
        r"stream idle timeout|response stalled mid-stream|premature close",
        r"upstream error from [\w.-]+|provider returned error",
        r"your organization has disabled [\w -]{1,40} access",
        r"your (?:access )?token could not be refreshed",
        r"when using [\w -]{1,30}, you must specify the \w+ environment variable",
        r"[\w-]+ ran out of room in the model's context window",
    )
)
_OPEN = "|".join(
    (
        r"[^.]{0,60}[.·] please run /login|no api key (?:found|set|provided|was)",
        rf"(?:your )?(?:api[ _-]?key|(?:(?:oauth|access|bearer|refresh) )?token) {_NOT}\b",
        r"(?:failed|unable|cannot|could not|couldn't|can't) (?:to )?"
        rf"(?:connect(?! to {_OF_THE_WORK})|authenticate|reach|resolve (?:the )?{_HOST}|fetch|allocate|log in)",
        r"e(?:conn\w+|timedout|notfound|ai_again|hostunreach|netunreach)\b",
        r"(?:read|connect|getaddrinfo) e[a-z_]+\b",
        r"(?:.{0,40}heap )?out of memory(?! in\b)|terminate called",
    )
)
_FREE = "|".join(
    (
        r"api error(?::| \(| ?\d)|the server had an error",
        r"dial tcp\b|[\w-]+: \[\d{3}\]|[45]\d\d (?=\{)|no conversation found with session",
        r"unexpected status [45]\d\d\b|upstream connect error",
        r"stream (?:disconnected|closed|error|ended)|error sending request",
        r"(?:reconnecting|retrying)(?= in \d| *\.\.\.|…| *\(| \d+/\d+)",
        r"(?:sorry, )?(?:we're |we are )?(?:currently )?experiencing high demand",
        r"there(?:'s| is) an issue with the selected model",
        r"(?:<[^<>]{1,80}>\s*){1,6}[45]\d\d ",
        r"error when talking to [\w -]{0,30}api\b|please set an auth method in your",
        r"the api_key client option must be set",
        r"(?:get|post) \"https?://[^\"\s]{1,200}\": |request to https?://\S{1,200} failed",
    )
)
CLOSED = rf"(?:{_CLOSED}){_END}"
FREE = rf"(?:{_FREE})"
OPEN = rf"(?:{_OPEN}|{_FREE})"
"""Beginnings of sentences; behind one that is `FREE` anything may be told, since nobody else begins so."""
STATUS = r"[45]\d\d\b(?! (?:tests?|files?|lines?|errors?|problems?|warnings?|cases?)\b)"
"""What may stand behind a head that says it is an error."""

NAMED = (
    r"[\w.]*(?:rate_?limit|load_?api_?key|model_?not_?found|authentication|connection|overloaded|timeout|permission_?denied|quota|unavailable"
    r"|internal_?server)\w*(?:error|exception)\b"
)
"""Errors whose name says it all."""

TOOL = (
    r"(?!note|summary|todo|done|task|result|status|user|assistant|docs|feat|fix|chore|tests?:|refactor|style|perf"
    r"|build|review|verdict|findings|changes|subject|title|description)"
    r"[a-z][\w./@+-]*(?:\[\d+\])?: (?=[(\[]\d+[)\]]|cannot|could not|can't|unable|failed|connect|no |api"
    r" key|error|fatal|not |out of|too many|access|permission|invalid|request|rate limit"
    r"|usage limit|quota)"
)

CLAUSES = r"[.;:,!?·∙|—\u2013()\[\]]+(?:\s+|$)|\s[-\u2013—(\[]\s?|\|"
LIMITS = (
    r"limit|quota|429|(?<!/)\bresets?\b|\buntil\b|\bwaits?\b|\bagain (?:at|in|after)\b|too many|credit"
    r"|\busage\b|\d\s?[ap]m\b"
)
"""Words of a limit: what has none of them pauses nothing."""

ADVICE = (
    r"(?:please|sorry|try|or try|and try|retry\b|retry[ -]after|retrying|reconnecting|again|wait|until|upgrade|visit"
    r"|(?:see|check|contact|add|purchase|buy|switch|go to|run|set|slow|or wait|or upgrade|e\.g)\b"
    r"|(?:it |this )?(?:will )?(?:resets?|renews?|be reset)\b|resetting|/\w|https?:|\d|[{(\[]"
    r"|(?:for|in|on|at|by|of|per|after) |(?:you|you've|you'll) (?:can|will|may|have|hit|are|need)"
    r"|(?:(?:the|this|your) )?(?:[\w'-]+ ){0,2}(?:limit|quota|usage|window|plan|account|credits|balance)s?"
    r" (?:will )?(?:resets?|is reset|renews?|be reset|used|exceeded|reached)"
    r"|request[ _-]?id|(?:last )?status|limit\b|used\b|current\b|requested\b|org\w*\b|reason\b|code\b|type\b)"
)
"""How a clause begins that says what to do about a limit, or when it is over."""

ASIDE = (
    r"(?:(?-i:[A-Z][A-Z0-9_]+)\W*$|\S*[\d_/*-]\S*$|however$|max \d|max (?:attempts|retries) reached|use an?\b"
    r"|(?:and|or) (?:could|must|will|cannot|you|ask)\b|to (?:access|use|continue|get)\b|ask\b|send\b|api error"
    r"|(?:os )?error \d|errno|no healthy|your (?:account|messages|organization|key)\b)"
)
"""What else stands behind a sentence of a client: a zone, the name of a setting, a size, another way."""

WORK = (
    r"(?:(?:is|are|was|were) (?:retried|parsed|tested|covered|mapped|shown|treated|caught)"
    r"|(?<!right )(?<!for )(?<!again )now (?!(?:at|or|to|in)\b)[a-z]|instead of|handled|handles|fixed"
    r"|implemented|documented|used to|mapped to|renamed|added|removed|says|said|which|callers|waits"
    r"|(?:the|a|our|this|that)(?: new| old)? (?:copy|ticket|spec|design|wording|toast|popup"
    r"|client|banner|code|tests?|caller|text|page|docs|function|method|handler"
    r"|commit|change|patch|parser|class|module|helper|wrapper|script|reviewer|dialog|label)(?! id\b))"
)
"""Words in which work is told, where a line has words of a limit too."""

_STATES = (
    r"exceeded|reached|exhausted|overloaded|limited|expired|disabled|blocked|required|revoked|refused|closed"
    r"|suspended|restricted|needed|allowed|supported|deprecated|based|aborted|terminated|used|failed"
)
TALE = (
    rf"(?:(?-i:I)(?![/-])|(?:is|are|was|were) (?!(?:{_STATES})\b)[a-z]+ed|(?:is|are) (?:gone|done|what|the)"
    r"|no longer|these|this is (?:the|what)|(?:for|in) (?:the )?(?:new|old|tests?)|added|merged|translated"
    r"|mended|reworded|restyled|deleted|renamed|the fixture|resets? (?:every|each) \w+"
    r"|[\w/-]+\.(?:py|tsx?|jsx?|rs|go|java|rb|cpp|prisma|ya?ml|toml|md|txt|sql|css))"
)
"""Words in which a person tells of anything; no client does after a sentence of its own."""

COMPARED = (
    r"\bexpected\b[^\n]{1,80}\b(?:got|but|received|found|to (?:be|equal))\b|\bassert\w*error\b"
)
"""How a test tells that a value is another one: it is no word on the agent's own call."""

EPILOGUE = (
    r"(?:to (?:resume|continue)|resume|session|tokens?|total|duration|elapsed|usage|cost|exiting|goodbye|bye|shutting"
    r"|log|full report|report|see|more)\b"
)
"""How a line begins that a client prints behind its error when it ends."""
