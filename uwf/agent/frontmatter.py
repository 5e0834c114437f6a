"""Taking a reply apart: the first valid front-matter block, and the text that goes with it.

People and models do not all write the same thing. Accepted are a block between `---` lines and a fenced block, each
after blank lines or prose; a fence around the block, or around the whole reply; `...` in place of the closing `---`;
CRLF, a byte-order mark, blanks behind a delimiter; and a last block that is not closed. What makes a block the front
matter is that it is a YAML mapping with `$status`: rules between paragraphs and other examples are passed over.

Whether the values fit the role's schema is left to the workflow. The time is linear in the size of the reply: only the
first 20,000 lines that look like delimiters are considered, and blocks only when they name `$status` and are not
too large.
"""

from __future__ import annotations

from uwf import yaml12
from uwf.agent.mending import mended
from uwf.agent.thoughts import has_escapes, without_escapes, without_thoughts
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar

    from uwf.yaml12.document import YamlNode

    Path = tuple[str | int, ...]
    _Front = tuple[dict[str, Any], dict[Path, str]]
    # The front matter, the text before its block, and the text after it.
    _Found = tuple[_Front, str, str]

STATUS = "$status"
MOST_BLOCK_CHARS = 256 << 10
MOST_YAML_CHARS = 512 << 10  # read as YAML in all, over every block of one reply
LEAST_YAML_CHARS = 8 << 10  # what a smaller block counts
MOST_DELIMITERS = 20_000  # lines of one reply that are looked at as such
LONGEST_FENCE = 8  # longer ones are taken for this long, so that there are few kinds
_FENCED = {"", "yaml", "yml", "json", "markdown", "md", "text", "txt"}  # other fences hold code
EMPTY = "the reply is empty"
_SHAPE = (
    "begin the reply with a line `---`, then YAML with `$status: <one of the allowed values>`, "
    "then a line `---`, then the text"
)


class BadReply(InputError):
    """The reply has no valid front matter. The message is addressed to the agent: what is wrong and how to write it."""

    default_code: ClassVar[str] = "bad_reply"


class Reply(Record):
    """`front` has at least `$status`, a text that is not empty. `body` is what follows the block.

    When nothing follows, the prose before the block is the body. `spelled` has what stands there for a number or a
    truth value, by its path, where writing the value again would give another text (`0123`, `3.10`, `5e10`) and where
    no record can keep the value (`12e4567`, `.nan`, an integer beyond 64 bits).
    """

    front: dict[str, Any]
    body: str
    spelled: tuple[tuple[Path, str], ...] = ()


def split(
    text: str,
    *,
    mend: bool = False,
    is_example: Callable[[dict[str, Any], str, int, int], bool] | None = None,
) -> Reply:
    """Take `text` apart. Raises BadReply.

    With `mend`, blocks that are not YAML are read as `mending` can. `is_example(front, text, start, stop)` says of a
    block that it is not the agent's own, and it is passed over.
    """
    written = text.removeprefix("\ufeff")
    text = without_thoughts(without_escapes(written))
    if not text.strip():
        raise BadReply(f"{EMPTY}: {_SHAPE}")
    whole = _json_object(text)
    if whole is not None and not (is_example and is_example(whole[0], text, 0, len(text))):
        return Reply(whole[0], "", tuple(whole[1].items()))
    search = _Search(text, mend, is_example)
    found = search.first(skip_other_fences=True) or search.first(skip_other_fences=False)
    if found is None:
        loose = f"; it names `{STATUS}`, but not in a block" if STATUS in text else ""
        raise BadReply(search.complaint or f"the reply has no front matter{loose}: {_SHAPE}")
    (front, spelled), before, after = found
    body = _without_blank_lines(after)
    body = body if body.strip() else _without_blank_lines(before).rstrip()
    if has_escapes(written):
        body = _as_written(body, text, without_thoughts(written))
    return Reply(front, body, tuple(spelled.items()))


def written(front: Mapping[str, Any], body: str = "") -> str:
    """A reply as an agent prints it."""
    import json

    lines = "".join(
        f"{json.dumps(str(name))}: {json.dumps(value)}\n" for name, value in front.items()
    )
    return f"---\n{lines}---\n{body}\n"


def _as_written(body: str, plain: str, written: str) -> str:
    """`body`, which is lines of `plain`, with the colours that these have in `written`."""
    start = plain.find(body)
    lines = written.split("\n")
    if len(lines) != plain.count("\n") + 1 or plain[:start][-1:] not in ("", "\n"):
        return body
    first = plain.count("\n", 0, start)
    return "\n".join(lines[first : first + body.count("\n") + 1])


def _json_object(text: str) -> _Front | None:
    """The reply that is nothing but one JSON object with a `$status`."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")) or len(text) > MOST_BLOCK_CHARS:
        return None
    import json

    try:
        json.loads(text, parse_int=str)  # no number is too long for it
        found = yaml12.read(text)  # which also refuses a key that is given twice
    except (ValueError, RecursionError, InputError):
        return None
    status = found.value.get(STATUS)
    if found.faults or not isinstance(status, str) or not status.strip():
        return None
    return found.value, _spellings(found.root)


def _spellings(root: YamlNode) -> dict[Path, str]:
    found: dict[Path, str] = {}
    _spelled(root, (), found)
    return found


def _spelled(node: YamlNode, path: Path, found: dict[Path, str]) -> None:
    """Put into `found` what is written otherwise than its value would be, or has a value that cannot be kept."""
    value, text = node.value, node.text
    if node.parts:
        for key, part in node.parts.items():
            _spelled(part, (*path, key), found)
    elif node.plain and text is not None and isinstance(value, (bool, int, float)):
        again = str(value).lower() if isinstance(value, bool) else str(value)
        if text != again or not can_be_kept(value):
            found[path] = text


def can_be_kept(value: float) -> bool:
    """Whether a number can stand in a record: it is finite and, without a fraction, of 64 bits."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else value - value == 0


class _Search:
    """The blocks of one text, tried in order."""

    def __init__(
        self,
        text: str,
        mend: bool,
        is_example: Callable[[dict[str, Any], str, int, int], bool] | None,
    ) -> None:
        self._text, self._mend, self._is_example = text, mend, is_example
        self._delimiters = list(_delimiters_of(text))
        self._tried: set[tuple[int, int]] = set()
        self._allowance = MOST_YAML_CHARS
        self._unclosed: set[str] = set()
        self._searched_from, self._status_at = 0, -1
        self.complaint = ""  # about the first block that was nearly one

    def first(self, *, skip_other_fences: bool) -> _Found | None:
        """The first valid front matter, with the text before and after its block.

        What stands in a fence that is closed and not front matter is an example, and skipped. When that leaves
        nothing, a stray fence may have turned inside and outside around: then every delimiter may begin a block.
        """
        text, delimiters = self._text, self._delimiters
        index = 0
        while index < len(delimiters):
            delimiter = delimiters[index]
            index += 1
            if not delimiter.is_fence():
                if delimiter.sign == "---" and (block := self._between_dashes(index)):
                    front, end = block
                    return front, text[: delimiter.start], text[end:]
                continue
            closing, stop = self._content(delimiter, index, skip_other_fences)
            if delimiter.language() in _FENCED and (
                found := self._in_fence(delimiter, index, closing, stop)
            ):
                return found
            if closing and skip_other_fences:
                index = closing + 1
        return None

    def _between_dashes(self, index: int) -> tuple[_Front, int] | None:
        """The front matter that begins after the `---` before delimiter number `index`, and where its block ends."""
        start = self._delimiters[index - 1].end
        if index == len(self._delimiters):
            front = self._read(start, len(self._text))  # not closed: the end does
            return (front, len(self._text)) if front else None
        closing = self._delimiters[index]
        front = self._read(start, closing.start)
        return (front, closing.start if closing.is_fence() else closing.end) if front else None

    def _content(self, fence: _Delimiter, index: int, far: bool) -> tuple[int, int]:
        """The number of the delimiter that closes `fence` (0: none), and where its content stops.

        When not `far`, the next fence is the limit: searching on from every fence would take quadratic time.
        """
        if fence.sign not in self._unclosed:
            for number in range(index, len(self._delimiters)):
                delimiter = self._delimiters[number]
                if delimiter.closes(fence):
                    return number, delimiter.start
                if not far and delimiter.is_fence():
                    return 0, delimiter.start
            self._unclosed.add(fence.sign)  # nor is any later one of its kind
        return 0, len(self._text)

    def _in_fence(self, fence: _Delimiter, index: int, closing: int, stop: int) -> _Found | None:
        """The front matter in a fence, bare or between `---` lines, when the delimiter after the fence is `index`."""
        text, delimiters = self._text, self._delimiters
        if index < len(delimiters) and delimiters[index].sign == "---":
            inner = delimiters[index]
            if not text[fence.end : inner.start].strip():
                block = self._between_dashes(index + 1)
                if block is None:
                    return None
                front, end = block
                return front, text[: fence.start], self._unwrapped(fence, end)
        bare = self._read(fence.end, stop)
        if bare is None:
            return None
        return bare, text[: fence.start], text[delimiters[closing].end if closing else stop :]

    def _unwrapped(self, fence: _Delimiter, start: int) -> str:
        """The text from `start` without the line that closes `fence`, in which the front matter stands.

        That is the next line, when only the front matter is in the fence. Else the whole reply may be: then it is the
        last line, if that leaves the fences between in pairs, or the one at which as many have closed as opened.
        """
        text = self._text
        fences = [
            delimiter
            for delimiter in self._delimiters
            if delimiter.start >= start and delimiter.sign.startswith(fence.sign)
        ]
        closing = None
        if fences and fences[0].closes(fence) and not text[start : fences[0].start].strip():
            closing = fences[0]
        elif len(fences) % 2 and fences[-1].closes(fence) and not text[fences[-1].end :].strip():
            closing = fences[-1]
        else:
            depth = 1
            for delimiter in fences:
                depth += -1 if delimiter.closes(fence) else 1
                if not depth:
                    closing = delimiter
                    break
        return (
            text[start:] if closing is None else text[start : closing.start] + text[closing.end :]
        )

    def _read(self, start: int, stop: int) -> _Front | None:
        """The front matter between two places, or None with a complaint if it was nearly one."""
        size = stop - start
        if self._next_status(start) >= min(stop, start + MOST_BLOCK_CHARS):
            return None
        if size > MOST_BLOCK_CHARS:
            self._refuse("the front matter is over 256 KiB, or the line `---` after it is missing")
            return None
        if (start, stop) in self._tried or size > self._allowance:
            return None
        self._tried.add((start, stop))
        self._allowance -= max(size, LEAST_YAML_CHARS)
        try:
            block = self._text[start:stop].replace("\r\n", "\n")
            found = yaml12.read(mended(block) if self._mend else block, name="the front matter")
            if found.faults:
                raise yaml12.YamlInvalid(found.faults)
        except InputError as error:
            self._refuse(f"{error.message}: write it as valid YAML")
            return None
        value = found.value
        if not isinstance(value, dict) or STATUS not in value:
            self._refuse(f"the front matter has no key `{STATUS}` at its top level: {_SHAPE}")
            return None
        status = value[STATUS]
        if not isinstance(status, str):
            self._refuse(
                f"`{STATUS}` must be text, not {status!r}: use an allowed value, in quotes"
            )
        elif not status.strip():
            self._refuse(f"`{STATUS}` is empty: give it one of the allowed values")
        elif self._is_example is not None and self._is_example(value, self._text, start, stop):
            self._refuse(f"the front matter is the example as it was given: {_SHAPE}")
        else:
            return value, _spellings(found.root)
        return None

    def _next_status(self, start: int) -> int:
        """Where `$status` stands next, or the end of the text. No stretch is searched twice in a row."""
        if not self._searched_from <= start <= self._status_at:
            index = self._text.find(STATUS, start)
            self._searched_from = start
            self._status_at = len(self._text) if index < 0 else index
        return self._status_at

    def _refuse(self, message: str) -> None:
        """Remember what was wrong with the first of them."""
        self.complaint = self.complaint or message


def _without_blank_lines(text: str) -> str:
    """`text` from its first line that is not blank."""
    first = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, first) + 1 :]


class _Delimiter(Record):
    """A line that may delimit a block: its place in the text, and `---`, `...`, or the sign of a fence."""

    start: int
    end: int
    sign: str
    info: str

    def is_fence(self) -> bool:
        return self.sign[0] in "`~"

    def language(self) -> str:
        return self.info.lower().partition(" ")[0]

    def closes(self, fence: _Delimiter) -> bool:
        return self.sign.startswith(fence.sign) and not self.info


def _delimiters_of(text: str) -> Iterator[_Delimiter]:
    """The first delimiters of `text`, in order. Found by searching, so that all other lines cost nearly nothing."""
    starts = {sign: _line_starting(text, sign, 0) for sign in ("---", "...", "```", "~~~")}
    for _ in range(MOST_DELIMITERS):
        start, sign = min((start, sign) for sign, start in starts.items())
        if start == len(text):
            return
        newline = text.find("\n", start)
        end = len(text) if newline < 0 else newline + 1
        starts[sign] = _line_starting(text, sign, end)
        line = text[start:end].rstrip()
        if sign in ("---", "..."):
            if line == sign:
                yield _Delimiter(start, end, sign, "")
            continue
        info = line.lstrip(sign[0])
        if "`" not in info:
            yield _Delimiter(
                start, end, line[: min(len(line) - len(info), LONGEST_FENCE)], info.strip()
            )


def _line_starting(text: str, sign: str, start: int) -> int:
    """Where the first line at or after the line start `start` begins with `sign`; the end of the text if none does."""
    if text.startswith(sign, start):
        return start
    place = text.find("\n" + sign, start)
    return len(text) if place < 0 else place + 1
