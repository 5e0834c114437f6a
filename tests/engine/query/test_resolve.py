"""From what a person types to a thread, a step or an object."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.engine.chain.tags import THREADS
from uwf.engine.query import resolve
from uwf.errors import Ambiguous, InputError, NotFound
from uwf.record import replace
from uwf.store.protocols import Store

# Two that share a beginning, two that share an end, and one that begins as another ends.
ULIDS = (
    "01HF7YAT000000000000AAAAAA",
    "01HF7YAT000000000001BBBBBB",
    "01HF7YZZZZ0000000002CCBBBB",
    "7777AAAAAA0000000003DDDDDD",
)


def named(store: Store, *ids: str) -> None:
    with store.transaction("test") as tx:
        for id in ids:
            tx.set_ref(THREADS + id, tx.put("any", id), tags={"status": "idle"}, why="test")


def found(store: Store, text: str) -> str:
    return resolve.thread_ref(store, text).name.removeprefix(THREADS)


@pytest.mark.parametrize(
    ("text", "thread"),
    [
        *((id, id) for id in ULIDS),
        (ULIDS[0].lower(), ULIDS[0]),
        ("01HF7YAT000000000000A", ULIDS[0]),
        ("01hf7yz", ULIDS[2]),
        ("7777", ULIDS[3]),
        ("DDDD", ULIDS[3]),
        ("ccbbbb", ULIDS[2]),
        ("1BBBBBB", ULIDS[1]),
    ],
)
def test_thread_is_found_by_id_beginning_or_end(each_store: Store, text: str, thread: str) -> None:
    named(each_store, *ULIDS)
    assert found(each_store, text) == thread


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("01HF7YAT", ULIDS[:2]),
        ("BBBB", ULIDS[1:3]),
        ("01HF", ULIDS[:3]),
        ("AAAAAA", ULIDS[:1]),
    ],
)
def test_text_that_fits_several_threads_names_them(
    each_store: Store, text: str, candidates: tuple[str, ...]
) -> None:
    named(each_store, *ULIDS)
    if len(candidates) == 1:
        assert found(each_store, text) == candidates[0]
        return
    with pytest.raises(Ambiguous) as ambiguous:
        found(each_store, text)
    assert all(resolve.short(each_store, id) in ambiguous.value.message for id in candidates)


def test_a_short_id_is_the_end_that_means_one_thread_wherever_it_is_typed(
    each_store: Store,
) -> None:
    ends = {
        "01HF7YAT0000000000009QXZKB": "XZKB",
        "01HF7YAT0000000000019RKW7K": "RKW7K",  # another ends with four of these
        "01HF7YAT000000000001XXKW7K": "XKW7K",
        "01HF7YAT000000000002ZA41BC": "ZA41BC",  # an object's id may begin with A41BC
        "01HF7YAT0000000000031Q01HF": "Q01HF",  # all of them begin like its last four
    }
    named(each_store, *ends)
    with each_store.transaction("test") as tx:
        tx.set_ref("elsewhere/ZXZKB", tx.put("any", 1), why="test")
    assert {id: resolve.short(each_store, id) for id in ends} == ends
    assert {id: found(each_store, end) for id, end in ends.items()} == {id: id for id in ends}
    assert resolve.short(each_store, "no-ulid") == "no-ulid"


def test_beginning_of_one_and_end_of_another_is_ambiguous(each_store: Store) -> None:
    named(each_store, "01AAAAAAAA0000000000000777", "0777AAAAAA0000000000000888")
    with pytest.raises(Ambiguous):
        found(each_store, "0777")


def test_at_most_five_candidates_are_named(each_store: Store) -> None:
    named(each_store, *(f"01HF7YAT00000000000{n}XXXXXX" for n in range(8)))
    with pytest.raises(Ambiguous) as ambiguous:
        found(each_store, "01HF")
    assert "one of 0XXXXXX, 1XXXXXX, 2XXXXXX, 3XXXXXX, 4XXXXXX, …" in ambiguous.value.message
    assert "…" in ambiguous.value.message


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ZZZZ", NotFound),
        ("01HF7YAT00000000000ZZZZZZZ", NotFound),
        ("7ZZ", InputError),
        ("A", InputError),
        ("", NotFound),
        ("a/b", NotFound),
        ("../../etc", NotFound),
        ("ÄÖÜÄ", NotFound),
        ("@first", NotFound),
        ("x" * 27, NotFound),
        ("@uwf/thread/" + ULIDS[0], NotFound),
        ("a\0bcd", NotFound),
    ],
)
def test_text_that_is_no_thread_is_an_error(
    each_store: Store, text: str, error: type[Exception]
) -> None:
    named(each_store, *ULIDS)
    with pytest.raises(error):
        found(each_store, text)


def test_last_is_the_newest_thread(rig: Rig) -> None:
    with pytest.raises(NotFound) as none:
        resolve.thread_ref(rig.store, "@last")
    assert "uwf thread start" in str(none.value.hint)
    for _ in range(3):
        id = rig.start()
        assert found(rig.store, "@last") == id


def test_last_is_the_newest_also_after_the_clock_jumped_back(rig: Rig, now: Ticking) -> None:
    first = rig.start()
    now.ms -= 3_600_000
    second = rig.start()
    third = rig.start()
    assert first < second < third
    assert found(rig.store, "@last") == third


def test_last_is_no_ref_that_was_set_by_hand(rig: Rig) -> None:
    id = rig.start()
    named(rig.store, "zebra")
    assert found(rig.store, "@last") == id
    assert found(rig.store, "@last") < rig.start()


def test_steps_are_counted_back_from_the_head(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, WROTE)
    steps = [step.id for step in rig.steps(id)]
    for back, step in enumerate(reversed(steps)):
        for text in (f"{id}~{back}", f"{id[-6:]}~{back}", f"@last~{back}"):
            assert resolve.object_id(rig.store, text) == step
            assert resolve.step_id(rig.store, text) == step
    with pytest.raises(NotFound) as missing:
        resolve.object_id(rig.store, f"{id}~3")
    assert missing.value.code == "no_such_step"


def test_visits_of_a_role_are_counted_from_its_first(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, CHANGES, WROTE, APPROVED)
    rig.resume(id, WROTE)
    steps = [step.id for step in rig.steps(id)]
    for visit, index in ((1, 0), (2, 2), (3, 4)):
        for text in (f"{id}/writer@{visit}", f"@last/writer@{visit}"):
            assert resolve.object_id(rig.store, text) == steps[index]
    assert resolve.object_id(rig.store, f"{id}/reviewer@2") == steps[3]


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("@last~", InputError, "bad_address"),
        ("@last~-1", InputError, "bad_address"),
        ("@last~x", InputError, "bad_address"),
        ("@last~1~1", NotFound, "no_such_thread"),
        ("@last~9999999999", InputError, "bad_address"),
        ("@last/writer", InputError, "bad_address"),
        ("@last/@1", InputError, "bad_address"),
        ("@last/writer@", InputError, "bad_address"),
        ("@last/writer@0", NotFound, "no_such_step"),
        ("@last/writer@2", NotFound, "no_such_step"),
        ("@last/nobody@1", NotFound, "no_such_step"),
        ("ZZZZ~1", NotFound, "no_such_thread"),
        ("ZZZZ/writer@1", NotFound, "no_such_thread"),
        ("ffffffff", NotFound, "no_such_object"),
        ("0" * 64, NotFound, "no_such_object"),
        ("", NotFound, "no_such_object"),
        ("nonsense!", NotFound, "no_such_object"),
    ],
)
def test_address_that_leads_nowhere_is_an_error(
    rig: Rig, text: str, error: type[InputError], code: str
) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    with pytest.raises(error) as raised:
        resolve.object_id(rig.store, text)
    assert raised.value.code == code
    assert raised.value.hint


def test_object_is_found_by_id_and_by_its_beginning(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    head = rig.head(id)
    for text in (head, head[:10], head.upper()):
        assert resolve.object_id(rig.store, text) == head


def test_thread_stands_for_its_head(rig: Rig) -> None:
    id = rig.start()
    assert resolve.object_id(rig.store, id) == rig.head(id)
    rig.exec(id, WROTE)
    rig.rebind(id, rig.put_workflow(replace(PAIR, name="other")))
    assert resolve.object_id(rig.store, "@last") == rig.head(id)
    assert rig.store.get(rig.head(id)).kind == "rebind"


def test_step_of_a_thread_is_its_newest(rig: Rig) -> None:
    id = rig.start()
    with pytest.raises(NotFound) as none:
        resolve.step_id(rig.store, id)
    assert none.value.code == "no_such_step"
    rig.exec(id, WROTE)
    step = rig.head(id)
    for name in ("other", "third"):
        rig.rebind(id, rig.put_workflow(replace(PAIR, name=name)))
    assert resolve.step_id(rig.store, id) == step
    assert resolve.step_id(rig.store, f"{id}~0") == step


def test_object_of_another_kind_is_no_step(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    step = rig.steps(id)[0]
    for other in (step.workflow, step.prompt, str(step.turns)):
        with pytest.raises(InputError) as refused:
            resolve.step_id(rig.store, other)
        assert refused.value.code == "not_a_step"


def test_fork_is_told_which_thread_was_named(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, suspend("which?"))
    first = rig.steps(id)[0].id
    other = rig.fork(first, id)
    rig.exec(other, CHANGES)
    for text, thread in (
        (id, id),
        (id[-8:], id),
        (f"{other}~1", other),
        (f"{id}~1", id),
        (f"{other}/writer@1", other),
    ):
        assert resolve.forkable(rig.store, text)[1] == thread
    assert resolve.forkable(rig.store, f"{other}~1") == (first, other)
    assert resolve.forkable(rig.store, first) == (first, None)


def test_beginning_of_a_step_is_not_taken_for_a_thread_that_ends_so(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    step = rig.head(id)
    named(rig.store, f"01HF7YAT0000000000{step[:8].upper()}")
    assert resolve.forkable(rig.store, step[:8]) == (step, None)
