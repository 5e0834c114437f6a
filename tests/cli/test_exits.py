from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

from uwf import errors
from uwf.cli import exits
from uwf.cli.screen.output import Output, StdoutFailed


def test_of_several_exit_codes_the_one_counts_that_needs_the_most() -> None:
    order = (130, 1, 2, 4, 5, 6, 3, 75, 0)
    for at, code in enumerate(order):
        assert exits.of_several(reversed(order[at:])) == code
    assert exits.of_several([]) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), 2),
        (errors.Ambiguous("x"), 2),
        (errors.ConfigInvalid("x"), 2),
        (errors.WorkflowInvalid("x"), 2),
        (errors.NotFound("x"), 4),
        (errors.ObjectMissing("x"), 1),
        (errors.StateError("x"), 5),
        (errors.Busy("x"), 5),
        (errors.Conflict("x"), 5),
        (errors.Refused("x", reason="paused"), 75),
        (errors.Crowded("x", reason="queue_full"), 75),
        (errors.PersonNeeded("x", reason="no_agent"), 5),
        (errors.GuardBroken("x", reason="guard_error"), 1),
        (errors.Interrupted("x", signum=2), 130),
        (errors.Interrupted("x", signum=15), 143),
        (errors.StoreBusy("x"), 1),
        (errors.ObjectDamaged("x"), 1),
        (StdoutFailed("x"), 1),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 1),
        (RecursionError(), 1),
        (MemoryError(), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_has_the_exit_code_of_the_contract(error: BaseException, code: int) -> None:
    assert exits.exit_code(error) == code


def leaves(kind: type[errors.UwfError]) -> list[type[errors.UwfError]]:
    below = [leaf for sub in kind.__subclasses__() for leaf in leaves(sub)]
    return below or [kind]


def test_every_class_of_error_is_drawn_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    own = [kind for kind in leaves(errors.UwfError) if kind.__module__ == "uwf.errors"]
    assert own and all(kind.__name__ in drawn for kind in own)


def reported(error: BaseException, capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    exits.report(error, Output(json=as_json))
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_an_error_is_one_line_and_its_hint_another(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.NotFound("no thread\n\x1b[31m'x'", hint="uwf thread list")
    assert reported(error, capsys, as_json=False) == (
        "error: no thread 'x'\nhint: uwf thread list\n"
    )


def test_json_carries_code_message_hint_and_what_else_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = errors.Refused("x", reason="paused", retry_at_ms=5)
    assert json.loads(reported(error, capsys, as_json=True)) == {
        "error": {
            "code": "paused",
            "message": "x",
            "hint": None,
            "reason": "paused",
            "retryAtMs": 5,
        }
    }
    invalid = errors.WorkflowInvalid("x", ["a.yaml:1:2: error: y"], hint="h")
    assert json.loads(reported(invalid, capsys, as_json=True))["error"]["problems"] == [
        "a.yaml:1:2: error: y"
    ]


@pytest.mark.parametrize(
    ("error", "retry_at_ms"),
    [
        (errors.Refused("x", reason="draining"), None),
        (errors.Crowded("x", reason="dropped"), 7_000 + errors.CROWDED_MS),
        (errors.PersonNeeded("x", reason="no_agent"), None),
        (errors.GuardBroken("x", reason="guard_error"), None),
        (errors.StateError("x", code="cancelled"), None),
        (errors.Busy("x"), 7_000 + errors.CROWDED_MS),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_a_script_learns_from_every_refusal_when_to_try_again(
    error: errors.UwfError,
    retry_at_ms: int | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("uwf.clock.now_ms", lambda: 7_000)
    told = json.loads(reported(error, capsys, as_json=True))["error"]
    assert (told["reason"], told["retryAtMs"]) == (error.code, retry_at_ms)


def test_a_fault_of_the_system_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    error = PermissionError(13, "Permission denied", "/x")
    assert reported(error, capsys, as_json=False) == "error: /x: Permission denied\n"


LIMITED = SystemError("error return without exception set")


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory", "/x"), True),
        (ImportError("x.so: failed to map segment from shared object"), True),
        (ImportError("x.so: cannot allocate memory in static TLS block"), True),
        (ImportError("no module named x"), False),
        (LIMITED, True),
        (RecursionError(), False),
    ],
    ids=repr,
)
def test_want_of_memory_is_no_fault_of_uwf(
    error: BaseException,
    is_it: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (45_000 << 10, -1))
    told = json.loads(reported(error, capsys, as_json=True))["error"]
    assert (told["code"] == "no_memory") == is_it
    assert ("internal fault" in told["message"]) != is_it
    assert told["hint"] == ("ulimit -v" if is_it else "export UWF_DEBUG=1")


def test_a_fault_of_a_part_of_python_is_one_where_memory_is_not_limited(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert "internal fault" in reported(LIMITED, capsys, as_json=False)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("MemoryError", "this shell has no memory for uwf"),
        ("ImportError('x.so: failed to map segment')", "this shell has no memory for uwf"),
        ("ImportError('no \"x\"')", "uwf cannot be loaded: no 'x'"),
    ],
)
def test_what_cannot_even_begin_says_so_without_a_traceback(raised: str, said: str) -> None:
    script = f"import uwf.cli.main as m\ndef main(): raise {raised}\nm.main = main; m.leave()"
    for more in ((), ("--json",)):
        done = subprocess.run(
            [sys.executable, "-c", script, *more], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1 and done.stdout == ""
        if more:
            assert json.loads(done.stderr)["error"]["message"] == said
        else:
            assert done.stderr == f"error: {said}\nhint: ulimit -v\n"
