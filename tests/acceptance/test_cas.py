"""`uwf cas`: objects by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.program import Uwf
from uwf.app import payload_json
from uwf.store import codec


def put(uwf: Uwf, content: str | bytes, *words: str) -> str:
    return uwf("cas", "put", "-", *words, "-q", input=content).out.strip()


def put_json(uwf: Uwf, value: object, kind: str = "test") -> str:
    return put(uwf, json.dumps(value), "--kind", kind)


def test_text_comes_back_as_it_went_in(uwf: Uwf) -> None:
    text = "one\r\ntwo\n\nno line break at the end ☃"
    id = put(uwf, text)
    assert uwf("cas", "get", id).out == text
    assert uwf("cas", "get", id, "--json").json == {"id": id, "kind": "text", "payload": text}
    assert id == codec.id_of(codec.encode("text", text))


def test_bytes_that_are_no_text_come_back_too(uwf: Uwf, tmp_path: Path) -> None:
    data = bytes(range(256))
    (tmp_path / "in").write_bytes(data)
    id = uwf("cas", "put", tmp_path / "in").out.strip()
    process = uwf.start("cas", "get", id)
    assert process.communicate(timeout=20)[0] == data
    assert uwf("cas", "get", id, "--json").json["kind"] == "blob"


def test_a_file_gives_the_id_that_stdin_gives(uwf: Uwf) -> None:
    (uwf.cwd / "f").write_text("same")
    assert uwf("cas", "put", "f", "--json").json["id"] == put(uwf, "same")


def test_json_becomes_a_node_with_links_and_bytes(uwf: Uwf) -> None:
    child = put(uwf, "child")
    payload = {
        "child": {"$ref": child},
        "data": {"$bytes": "AAH/"},
        "list": [1, -2.5, None, True, "ü"],
        "schema": {"$ref": "#/definitions/x"},
    }
    id = put_json(uwf, payload, "parent")
    assert uwf("cas", "get", id, "--json").json == {"id": id, "kind": "parent", "payload": payload}
    assert json.loads(uwf("cas", "get", id).out) == payload
    assert uwf("cas", "refs", id, "--json").json == [child]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "standard input is not JSON"),
        ("", "is not JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("[NaN]", "NaN is not a number that can be stored"),
        ('{"$bytes": "?"}', "'?' is not base64"),
        ("[18446744073709551616]", "payload[0]: an integer must fit 64 bits"),
        ('["\\ud800"]', "payload[0]: text with a lone surrogate"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[" * 500 + "]" * 500, "deep"),
        (b"\xff\xfe", "is not UTF-8 text: byte 0"),
    ],
)
def test_what_cannot_be_a_node_is_refused(uwf: Uwf, content: str | bytes, message: str) -> None:
    done = uwf("cas", "put", "-", "--kind", "k", input=content, expect=2)
    assert message in done.err
    assert len(done.err.splitlines()) <= 2
    assert not (uwf.home / "store.db").exists()


def test_a_link_to_nothing_is_refused(uwf: Uwf) -> None:
    done = uwf("cas", "put", "-", "--kind", "k", input=json.dumps({"$ref": "0" * 64}), expect=4)
    assert "which is not in the store" in done.err


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("nowhere", "cannot read the file nowhere: No such file"),
        (".", "Is a directory"),
        ("", "cannot read the file (no name)"),
    ],
)
def test_a_file_that_cannot_be_read_is_bad_input(uwf: Uwf, file: str, message: str) -> None:
    assert message in uwf("cas", "put", file, expect=2).err


def test_endless_input_is_refused(uwf: Uwf) -> None:
    assert "larger than 64 MiB" in uwf("cas", "put", "/dev/zero", expect=2).err


def test_ids_may_be_shortened_but_not_too_much(uwf: Uwf) -> None:
    id = put(uwf, "x")
    assert uwf("cas", "get", id[:4].upper()).out == "x"
    assert uwf("cas", "get", id[:3], expect=2).out == ""
    assert "no object" in uwf("cas", "get", "0" * 64, expect=4).err
    assert uwf("cas", "get", "zzzz", expect=4).out == ""


def test_a_prefix_that_fits_two_names_both(uwf: Uwf) -> None:
    ids: dict[str, str] = {}
    for number in range(2000):
        id = codec.id_of(codec.encode("text", str(number)))
        if id[:4] in ids:
            put(uwf, str(number))
            put(uwf, ids[id[:4]])
            error = uwf("cas", "get", id[:4], "--json", expect=2).error
            assert error["code"] == "ambiguous"
            assert id[:16] in error["message"]
            return
        ids[id[:4]] = str(number)
    pytest.fail("no two of 2,000 ids begin with the same four digits")


def test_has_answers_with_its_exit_code(uwf: Uwf) -> None:
    assert uwf("cas", "has", "abcd", expect=4).out == "no\n"
    id = put(uwf, "x")
    assert uwf("cas", "has", id[:8], "--json").json == {"id": id, "has": True}
    assert uwf("cas", "has", "0" * 64, "--json", expect=4).json == {"id": "0" * 64, "has": False}


def test_walk_names_each_object_once_at_its_least_depth(uwf: Uwf) -> None:
    leaf = put(uwf, "leaf")
    left = put_json(uwf, [{"$ref": leaf}, "left"])
    right = put_json(uwf, [{"$ref": left}, {"$ref": leaf}])
    top = put_json(uwf, {"a": {"$ref": right}, "b": {"$ref": left}}, "top")
    found = uwf("cas", "walk", top, "--json").json_lines
    assert {line["id"]: (line["depth"], line["kind"]) for line in found} == {
        top: (0, "top"),
        left: (1, "test"),
        right: (1, "test"),
        leaf: (2, "text"),
    }
    assert len(found) == 4
    assert uwf("cas", "walk", top, "-q").out.split()[0] == top


def test_stat_counts_and_measures(uwf: Uwf) -> None:
    assert uwf("cas", "stat", "--json").json == {"objects": 0, "bytes": 0, "storedBytes": 0}
    id = put(uwf, "abc")
    size = len(codec.encode("text", "abc"))
    assert uwf("cas", "stat", "--json").json["objects"] == 1
    assert uwf("cas", "stat", id, "--json").json["bytes"] == size


def test_reading_makes_no_store(uwf: Uwf) -> None:
    for words in (["has", "abcd"], ["get", "abcd"], ["stat"]):
        uwf("cas", *words, expect=None)
    assert not uwf.home.exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_ends_it_with_its_code(uwf: Uwf, number: int, code: int) -> None:
    fifo = uwf.cwd / "slow"
    os.mkfifo(fifo)
    process = uwf.start("cas", "put", "slow")
    writer = os.open(fifo, os.O_WRONLY)  # returns when uwf has opened it to read
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=5)
    except (
        subprocess.TimeoutExpired
    ):  # it came just before Python began to wait, which does not see it then
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    os.close(writer)
    assert process.returncode == code
    assert out == b"" and b"Traceback" not in err


payloads = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.binary(min_size=32, max_size=32).map(lambda raw: codec.Link(raw.hex())),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text().filter(lambda k: k[:1] != "$"), inner)
    ),
    max_leaves=20,
)


@given(payloads)
def test_payloads_survive_their_way_through_json(payload: object) -> None:
    text = json.dumps(payload_json.to_json(payload))
    assert codec.encode("k", payload_json.from_json(text, "x")) == codec.encode("k", payload)
