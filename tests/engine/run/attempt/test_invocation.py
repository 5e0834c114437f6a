"""What an agent is given beside its prompt: an environment, and a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.fake_agent import FakeAgent, crash, reply
from tests.helpers.flows import PAIR, TEXT, role, schema, workflow
from tests.helpers.rig import APPROVED, WROTE, Rig, everything
from uwf.config.records import AgentConfig
from uwf.errors import Refused
from uwf.record import replace


def test_agent_gets_the_environment_of_the_contract(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, WROTE)
    env = rig.agent.asks[-1].env
    assert env["PATH"] == "/bin"
    assert {name: env[name] for name in env if name.startswith("UWF_")} == {
        "UWF_HOME": rig.engine.home,
        "UWF_THREAD": id,
        "UWF_STEP_INDEX": "3",
        "UWF_ROLE": "writer",
        "UWF_ROUND": "2",
        "UWF_VISIT": "2",
        "UWF_ATTEMPT": "1",
        "UWF_WORKFLOW": rig.put_workflow(PAIR),
        "UWF_SCHEMA": env["UWF_SCHEMA"],
    }

    written = Path(env["UWF_SCHEMA"])
    assert json.loads(written.read_text()) == PAIR.roles["writer"].schema
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_run_within_a_run_has_nothing_of_the_outer_one(rig: Rig) -> None:
    outer = {"UWF_SESSION": "s", "UWF_SESSION_FORK": "1", "UWF_EVENTS": "/x", "UWF_ROLE": "outer"}
    rig.engine = replace(rig.engine, environ={"PATH": "/bin", **outer})
    rig.exec(rig.start(), WROTE)
    env = rig.agent.asks[-1].env
    assert {name: env.get(name) for name in outer} == {**dict.fromkeys(outer), "UWF_ROLE": "writer"}


@pytest.mark.parametrize(
    ("own", "named", "handed"),
    [
        (None, (), {"HOME", "MODEL_KEY", "FORGE_TOKEN", "OTEL_X", "TRACEPARENT"}),
        (None, ("MODEL_KEY",), {"HOME", "MODEL_KEY", "OTEL_X", "TRACEPARENT"}),
        (("MODEL_",), (), {"HOME", "MODEL_KEY", "OTEL_X", "TRACEPARENT"}),
        ((), ("FORGE_TOKEN",), {"HOME", "FORGE_TOKEN", "OTEL_X", "TRACEPARENT"}),
    ],
)
def test_a_client_is_handed_its_own_secrets_and_those_that_are_named(
    make_rig: Callable[..., Rig],
    monkeypatch: pytest.MonkeyPatch,
    own: tuple[str, ...] | None,
    named: tuple[str, ...],
    handed: set[str],
) -> None:
    monkeypatch.setattr(FakeAgent, "own_variables", own)
    rig = make_rig(agents={"fake": AgentConfig(command=("x",), secrets=named)})
    outer = dict.fromkeys(("HOME", "MODEL_KEY", "FORGE_TOKEN", "OTEL_X", "TRACEPARENT"), "value")
    secrets = frozenset(("MODEL_KEY", "FORGE_TOKEN"))
    rig.engine = replace(rig.engine, environ=outer, secrets=secrets)
    id = rig.start()
    [result] = rig.run(id, "exec", crash("Error: 401 Unauthorized"))
    assert outer.keys() & rig.agent.asks[-1].env.keys() == handed
    assert result.failure is not None and result.failure.code == "authentication"
    kept_back = sorted(secrets - handed)
    note = f"it was not handed {', '.join(kept_back)}, which agents.fake.secrets may name"
    assert (note in result.failure.message) == bool(kept_back)


def test_location_of_an_edge_is_the_folder_of_the_step(rig: Rig, tmp_path_factory: Any) -> None:
    there = tmp_path_factory.mktemp("there")
    (there / "sub").mkdir()
    flow = workflow(
        "moving",
        [role("one", schema(ok={"dir": TEXT})), role("two", schema(ok={}))],
        {
            "$START": {"new": ("one", "Go.")},
            "one": {"ok": ("two", "Go on.", "{{ dir }}")},
            "two": {"ok": ("$END", "")},
        },
    )
    for named, meant in (("sub", there / "sub"), (str(there), there), ("sub/..", there)):
        id = rig.start(flow, cwd=str(there))
        rig.exec(id, reply("ok", dir=named), reply("ok"))
        assert rig.agent.asks[-1].cwd == str(meant)
        assert rig.steps(id)[-1].cwd == str(meant)


def test_step_whose_folder_is_gone_is_refused_with_nothing_changed(
    rig: Rig, tmp_path_factory: Any
) -> None:

    there = tmp_path_factory.mktemp("gone")
    id = rig.start(cwd=str(there))
    there.rmdir()
    before = everything(rig.store)
    with pytest.raises(Refused) as refused:
        rig.exec(id)
    assert refused.value.reason == "preflight_failed"
    assert everything(rig.store) == before
