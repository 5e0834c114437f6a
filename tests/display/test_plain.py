"""What is drawn where there is no UTF-8."""

from __future__ import annotations

from uwf.display import numbers, states
from uwf.display.plain import plain

LOOKS = [each for each in vars(states).values() if isinstance(each, states.Look)]


def test_every_sign_of_a_state_has_one_of_ascii() -> None:
    assert [plain(look.sign) for look in LOOKS] == [look.ascii for look in LOOKS]
    assert len(LOOKS) > 8


def test_a_bar_keeps_its_width() -> None:
    assert plain(numbers.bar(0.5, 4)) == "##.."
    assert plain(numbers.sparkline(range(9))) == " ._-:=+*#"


def test_letters_of_people_stay() -> None:
    assert plain("Zürich … 東京 \u2192 x") == "Zürich ~ 東京 > x"
