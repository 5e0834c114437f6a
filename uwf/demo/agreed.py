"""What is agreed about a tidying, in words that both people and programs write.

`read` takes a person's words ("yes, use the unsafe fixes, and ignore E741") as well as the words that one role
hands to the next in `agreed`; what `Agreed.text` writes, `read` reads back as the same value. It is no more
than a handful of phrases, so that every one of them can be seen here.
"""

from __future__ import annotations

import re

from uwf.record import Record

NOTHING = "nothing yet"

EXAMPLES = (
    "use the unsafe fixes; ignore E741; also sort the imports; line length 79; leave the rest"
)

_TO_CHECK = {"check", "enable", "rule", "rules", "select"}
_TO_IGNORE = {"accept", "allow", "disable", "ignore", "skip"}
_CODE = re.compile(r"[A-Z]{1,6}[0-9]{0,4}")
_TOPICS = (
    (re.compile(r"\bsort\w*\b.*\bimports?\b|\bimports?\b.*\bsort", re.I), "I"),
    (re.compile(r"\bmoderni[sz]e|\b(modern|new|newer|upgrade)\b.*\bsyntax\b", re.I), "UP"),
)
_LENGTH = re.compile(
    r"\blines?[ -]length\D{0,9}(\d{2,3})\b|\b(\d{2,3})[ -](?:columns|characters)", re.I
)
_LEAVE = re.compile(r"\bleave\b.*\b(rest|them|others?|remaining|it)\b|\bgood enough\b", re.I)
_ASIDE = re.compile(r"\bsettings aside\b|\bwithout (its|the project's) settings\b", re.I)
_UNSAFE = re.compile(r"\bunsafe\b", re.I)
_NOT_UNSAFE = re.compile(r"\b(no|not|never|without|don.t)\b[^,;.]*\bunsafe\b", re.I)


class Agreed(Record):
    """Rules to check beside the project's own, rules to ignore, and what else a person has allowed."""

    check: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    line_length: int | None = None
    unsafe_fixes: bool | None = None
    settings_aside: bool = False
    leave_rest: bool = False

    @property
    def text(self) -> str:
        """All of it in words that `read` understands."""
        said = []
        if self.check:
            said.append(f"check {', '.join(self.check)}")
        if self.ignore:
            said.append(f"ignore {', '.join(self.ignore)}")
        if self.line_length is not None:
            said.append(f"line length {self.line_length}")
        if self.unsafe_fixes is not None:
            said.append("use unsafe fixes" if self.unsafe_fixes else "no unsafe fixes")
        if self.settings_aside:
            said.append("put the project's settings aside")
        if self.leave_rest:
            said.append("leave the rest")
        return "; ".join(said) or NOTHING

    def and_then(self, later: Agreed) -> Agreed:
        """Both, where the later word wins."""
        return Agreed(
            check=_merged(self.check, later.check, without=later.ignore),
            ignore=_merged(self.ignore, later.ignore, without=later.check),
            line_length=later.line_length or self.line_length,
            unsafe_fixes=(self.unsafe_fixes if later.unsafe_fixes is None else later.unsafe_fixes),
            settings_aside=self.settings_aside or later.settings_aside,
            leave_rest=self.leave_rest or later.leave_rest,
        )


def read(text: str) -> Agreed:
    """What `text` says. What it says in other words than these is not heard."""
    agreed = Agreed()
    for sentence in re.split(r"[;\n]|\.(?=\s|$)", text):
        agreed = agreed.and_then(_read_sentence(sentence))
    return agreed


def _read_sentence(sentence: str) -> Agreed:
    check, ignore = _codes(sentence)
    check += tuple(code for topic, code in _TOPICS if topic.search(sentence) and code not in check)
    length = _LENGTH.search(sentence)
    unsafe = bool(_UNSAFE.search(sentence))
    return Agreed(
        check=check,
        ignore=tuple(code for code in ignore if code not in check),
        line_length=int(length[1] or length[2]) if length else None,
        unsafe_fixes=not _NOT_UNSAFE.search(sentence) if unsafe else None,
        settings_aside=bool(_ASIDE.search(sentence)),
        leave_rest=bool(_LEAVE.search(sentence)),
    )


def _codes(sentence: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rule codes to check and those to ignore: each belongs to the verb before it.

    A code without digits (`I`, `UP`) must follow the verb or another code: it may be a word of the sentence.
    """
    check: dict[str, None] = {}
    ignore: dict[str, None] = {}
    into, follows = None, False
    for word in re.findall(r"[A-Za-z0-9]+", sentence):
        if word.lower() in _TO_CHECK | _TO_IGNORE:
            if word.lower() not in ("rule", "rules") or into is None:
                into = check if word.lower() in _TO_CHECK else ignore
            follows = True
        elif into is not None and _CODE.fullmatch(word) and (follows or word[-1].isdigit()):
            into[word] = None
            follows = True
        elif word.lower() not in ("and", "or"):
            follows = False
    return tuple(check), tuple(ignore)


def _merged(
    first: tuple[str, ...], second: tuple[str, ...], *, without: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(code for code in dict.fromkeys((*first, *second)) if code not in without)
