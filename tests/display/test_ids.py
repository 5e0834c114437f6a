"""Ids in sentences are as short as a person types them; what only contains one stays as it is."""

from __future__ import annotations

import pytest

from uwf.display.ids import shortened

ID = "01M8ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (f"uwf thread exec {ID}", "uwf thread exec WXYZ"),
        (f"uwf step show {ID}~2 && uwf thread read {ID}/writer@1", None),
        (f"thread '{ID}' ({ID}), {ID}: stays", "thread 'WXYZ' (WXYZ), WXYZ: stays"),
        (f"first\n{ID}\n", "first\nWXYZ\n"),
    ],
)
def test_an_id_that_is_a_word_is_short(text: str, seen: str | None) -> None:
    assert shortened(text, lambda id: id[-4:]) == (seen or text.replace(ID, "WXYZ"))


@pytest.mark.parametrize(
    "text",
    [
        f"/home/worktrees/{ID}",
        f"branch uwf/{ID}",
        f"@uwf/thread/{ID}",
        f"{ID}-2",
        f"{ID}Z",
        ID.lower(),
        f"x{ID}",
        "no id, two  spaces\tand a tab",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert shortened(text, lambda id: id[-4:]) == text
