"""Which session an agent is handed: its own, of the same role and folder, and a copy where the rest is another's."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.fake_agent import Said, crash, reply
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.agent.protocol import Session
from uwf.engine.actions import transfer
from uwf.engine.chain.thread import move_head
from uwf.errors import InputError
from uwf.record import replace


def wrote(session: str) -> Said:
    return Said(WROTE, session=session)


def changes(session: str) -> Said:
    return Said(CHANGES, session=session)


def handed(rig: Rig, count: int = 1) -> list[tuple[str | None, str | None]]:
    """What the last asks had in their environment."""
    asks = rig.agent.asks[-count:]
    for ask in asks:
        assert (ask.session, ask.forks_session) == (
            ask.env.get("UWF_SESSION"),
            "UWF_SESSION_FORK" in ask.env,
        )
    return [(ask.env.get("UWF_SESSION"), ask.env.get("UWF_SESSION_FORK")) for ask in asks]


def test_an_agent_never_gets_the_session_of_another(rig: Rig) -> None:
    id = rig.start()
    rig.agent.name = "ada"
    rig.exec(id, wrote("of-ada"), CHANGES)
    rig.agent.name = "bob"
    rig.exec(id, WROTE)
    assert handed(rig) == [(None, None)]
    rig.exec(id, CHANGES, wrote("of-bob"), CHANGES)
    rig.agent.name = "ada"
    rig.exec(id, WROTE, CHANGES)
    assert handed(rig, 2)[0] == ("of-ada", None), "its own is kept meanwhile"
    rig.agent.name = "bob"
    rig.exec(id, WROTE)
    assert handed(rig) == [("of-bob", None)]


def test_nor_does_one_after_the_attempt_of_another_that_failed(rig: Rig) -> None:
    id = rig.start()
    rig.agent.name = "ada"
    rig.exec(id, crash(events=(Session("of-ada"),)))
    rig.agent.name = "bob"
    rig.resume(id, crash(events=(Session("of-bob"),)))
    assert handed(rig) == [(None, None)]
    rig.agent.name = "ada"
    rig.resume(id, WROTE)
    assert handed(rig) == [("of-ada", None)]
    assert rig.steps(id)[-1].session == "of-ada"


def test_a_session_is_that_of_a_folder(rig: Rig, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    there = replace(PAIR.graph["reviewer"]["changes"], location=f"{tmp_path}/{{{{ remarks }}}}")
    edges = {**PAIR.graph["reviewer"], "changes": there}
    id = rig.start(replace(PAIR, graph={**PAIR.graph, "reviewer": edges}))
    rig.exec(id, wrote("here"), reply("changes", remarks="a"), wrote("in-a"))
    assert handed(rig) == [(None, None)]
    rig.exec(id, reply("changes", remarks="b"), WROTE, reply("changes", remarks="a"), WROTE)
    assert handed(rig, 3)[0] == (None, None)
    assert handed(rig) == [("in-a", None)]


def test_a_fork_goes_on_in_a_copy_and_the_source_in_its_own(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), changes("r-1"))
    fork = rig.fork(rig.head(id), id)
    rig.exec(fork, wrote("s-2"), CHANGES, WROTE)
    assert handed(rig, 3) == [("s-1", "1"), ("r-1", "1"), ("s-2", None)]
    rig.exec(id, WROTE)
    assert handed(rig) == [("s-1", None)]


def test_a_copy_that_got_no_name_is_made_again(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES)
    fork = rig.fork(rig.head(id), id)
    rig.exec(fork, "no front matter", Said(ended="timeout"), count=1)
    assert handed(rig, 2) == [("s-1", "1"), ("s-1", "1")]
    assert "same session" not in rig.state(fork)["suspendMessage"]
    rig.resume(fork, WROTE)
    assert handed(rig) == [("s-1", "1")]
    assert rig.steps(fork)[-1].session is None
    rig.exec(fork, CHANGES, wrote("s-2"))
    assert handed(rig) == [("s-1", "1")]


def test_a_copy_that_was_named_in_a_bad_reply_is_gone_on_in(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES)
    fork = rig.fork(rig.head(id), id)
    rig.exec(fork, reply("done", session="s-2"), WROTE, count=1)
    assert handed(rig, 2) == [("s-1", "1"), ("s-2", None)]


def test_what_an_undo_took_back_is_not_gone_on_from(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), changes("r-1"), WROTE)
    rig.undo(id)
    rig.exec(id, wrote("s-2"))
    assert handed(rig) == [("s-1", "1")]
    rig.exec(id, CHANGES, WROTE)
    assert handed(rig, 2) == [("r-1", "1"), ("s-2", None)]


def test_an_undone_poke_too(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"))
    rig.poke(id, "shorter", WROTE)
    assert handed(rig) == [("s-1", None)]
    rig.undo(id)
    rig.poke(id, "longer", WROTE)
    assert handed(rig) == [("s-1", "1")]


def test_an_undo_that_took_no_step_back_leaves_sessions_as_they_were(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES)
    rig.cancel(id)
    rig.undo(id)
    rig.exec(id, WROTE)
    assert handed(rig) == [("s-1", None)]


def test_what_was_undone_in_the_source_is_nothing_to_a_fork(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES, WROTE)
    rig.undo(id)
    fork = rig.fork(rig.head(id), id)
    rig.exec(fork, wrote("s-2"), CHANGES, WROTE)
    assert handed(rig, 3)[-1] == ("s-2", None)


def test_no_session_out_of_a_file_is_handed_on(rig: Rig, make_rig: Callable[..., Rig]) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES, crash(events=(Session("s-2"),)), count=3)
    file = io.BytesIO()
    transfer.export(rig.store, id, file)
    other = make_rig()
    file.seek(0)
    transfer.import_threads(other.store, file, "a file", "/tmp")
    step = other.head(id)
    other.resume(id, wrote("own"), CHANGES, WROTE)
    assert handed(other, 3) == [(None, None), (None, None), ("own", None)]
    fork = other.fork(step, id)
    other.exec(fork, WROTE)
    assert handed(other) == [(None, None)]


def test_nor_one_of_this_store_that_a_step_out_of_a_file_lays_claim_to(
    rig: Rig, make_rig: Callable[..., Rig]
) -> None:
    mine = rig.start()
    rig.exec(mine, wrote("s-1"), CHANGES)
    file = io.BytesIO()
    transfer.export(rig.store, mine, file)
    file.seek(0)
    other = make_rig()
    transfer.import_threads(other.store, file, "a file", "/tmp")
    id = other.fork(other.head(mine), mine)
    head = other.store.get(other.head(id)).payload
    for claimed, fits in (("start", False), ("prev", True)):
        with other.store.transaction("test") as tx:
            claims = {"sessions": {"writer": [head[claimed]]}, "durationMs": 77}
            forged = tx.put("step", {**head, **claims})
            move_head(tx, id, forged, dict, expect=other.head(id), why="test")
        file = io.BytesIO()
        transfer.export(other.store, id, file)
        file.seek(0)
        if not fits:
            with pytest.raises(InputError, match="links to start for step"):
                transfer.import_threads(rig.store, file, "a file", "/tmp")
            continue
        transfer.import_threads(rig.store, file, "a file", "/tmp")
    rig.exec(id, WROTE, CHANGES, WROTE)
    assert handed(rig, 3) == [(None, None)] * 3


def test_what_comes_home_again_was_never_foreign(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES)
    file = io.BytesIO()
    transfer.export(rig.store, id, file)
    file.seek(0)
    transfer.import_threads(rig.store, file, "a file", "/tmp")
    rig.exec(id, WROTE)
    assert handed(rig) == [("s-1", None)]


def test_a_name_of_which_nobody_says_whose_it_is_is_passed_over(rig: Rig) -> None:
    """As uwf wrote it before 0.1.0: also what another agent had named."""
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES)
    step = rig.store.get(rig.thread(id).position.step or "")
    old = {**step.payload, "sessions": {"writer": "s-1", "reviewer": "s-1"}, "session": "s-1"}
    with rig.store.transaction("test") as tx:
        head = tx.put("step", old)
        move_head(tx, id, head, dict, expect=rig.head(id), why="test")
    rig.exec(id, wrote("s-2"), APPROVED)
    assert handed(rig, 2) == [(None, None), (None, None)]


@pytest.mark.parametrize("ended", ["timeout", "stall"])
def test_going_on_in_the_same_session_is_promised_where_it_is_so(rig: Rig, ended: str) -> None:
    id = rig.start()
    rig.exec(id, wrote("s-1"), CHANGES, Said(ended=ended), count=3)  # type: ignore[arg-type]
    assert "resume goes on in the same session" in rig.state(id)["suspendMessage"]
    rig.resume(id, WROTE)
    assert handed(rig) == [("s-1", None)]
