"""What is drawn, where there is no UTF-8: each sign has one of ASCII that is as wide. Nothing is lost but its looks."""

from __future__ import annotations

from uwf.display import numbers, states

_DRAWN = {
    **dict(zip(numbers.BARS, "._-:=+*#", strict=True)),
    **{look.sign: look.ascii for look in vars(states).values() if isinstance(look, states.Look)},
    **{"\u2588": "#", "\u2591": ".", "\u2026": "~", "\u00b7": "-", "\u2014": "-", "\u2013": "-"},
    **{"\u2192": ">", "\u2190": "<", "\u2191": "^", "\u2193": "v", "\u2022": "*", "\u203a": ">"},
    **{"\u2500": "-", "\u2502": "|", "\u251c": "|", "\u2514": "`", "\u250c": "+", "\u2510": "+"},
    **{"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2501": "-", "\u2503": "|"},
}
_ASCII = str.maketrans(_DRAWN)


def plain(text: str) -> str:
    """`text` with the signs of ASCII for those that uwf draws; other letters stay."""
    return text if text.isascii() else text.translate(_ASCII)
