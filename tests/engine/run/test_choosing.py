"""From what a person types or has configured to a workflow, and to the agent of a role."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.flows import LOOP, PAIR
from tests.helpers.rig import WROTE, Rig
from uwf.agent.kinds.command import CommandAgent
from uwf.config import defaults
from uwf.config.records import AgentConfig, RoleConfig
from uwf.engine.query import workflows
from uwf.engine.run.planning import agents
from uwf.errors import Ambiguous, InputError, NotFound, Refused, UwfError
from uwf.record import replace
from uwf.workflow.model import Role

FILE = """\
version: 1
name: {name}
description: From a file.
roles:
  one:
    description: One.
    frontmatter: {{type: object, properties: {{$status: {{const: ok}}}}, required: [$status]}}
graph:
  $START: {{new: {{role: one, prompt: Go.}}}}
  one: {{ok: {{role: $END, prompt: ""}}}}
"""

CONFIG = replace(
    defaults(),
    default_agent="mine",
    agents={
        "mine": AgentConfig(command=("my-agent", "--fast")),
        "yours": AgentConfig(command=("your-agent",)),
    },
    overrides={"pair": {"reviewer": "yours", "writer": "some-program -x"}},
)


def a_role(name: str, **words: str) -> Role:
    return replace(PAIR.roles["writer"], name=name, **words)


def chosen(workflow: str, role: str, override: str | None = None) -> tuple[str, tuple[str, ...]]:
    agent = agents.choose(CONFIG, workflow, a_role(role), override)
    assert isinstance(agent, CommandAgent)
    return agent.name, agent.argv


def write(folder: Path, name: str) -> Path:
    path = folder / ".workflows" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(FILE.format(name=name))
    return path


def test_agent_is_that_of_the_command_then_of_the_role_then_the_default() -> None:
    assert chosen("other", "writer") == ("mine", ("my-agent", "--fast"))
    assert chosen("pair", "reviewer") == ("yours", ("your-agent",))
    assert chosen("pair", "reviewer", "mine") == ("mine", ("my-agent", "--fast"))


def test_agent_may_be_a_command_line() -> None:
    assert chosen("pair", "writer") == ("some-program -x", ("some-program", "-x"))
    line = "python3 'my agent.py' --say \"no\" a\\ b"
    assert chosen("pair", "writer", line)[1] == ("python3", "my agent.py", "--say", "no", "a b")


@pytest.mark.parametrize("line", ["", "  ", "'open"])
def test_command_line_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(InputError) as refused:
        agents.choose(CONFIG, "pair", a_role("writer"), line)
    assert refused.value.code == "bad_agent"


def test_a_word_of_the_workflow_file_is_an_agent_that_the_config_knows() -> None:
    assert agents.choose(CONFIG, "other", a_role("writer", agent="yours"), None).name == "yours"
    assert agents.choose(CONFIG, "other", a_role("writer", agent="yours"), "mine").name == "mine"
    of_role = replace(CONFIG, roles={"writer": RoleConfig(agent="mine")})
    assert agents.choose(of_role, "other", a_role("writer", agent="yours"), None).name == "mine"
    with pytest.raises(Refused, match="asks for an agent called 'theirs'") as refused:
        agents.choose(CONFIG, "other", a_role("writer", agent="theirs"), None)
    assert refused.value.hint == "uwf config set overrides.other.writer mine"


def test_a_word_for_a_model_is_one_that_the_agent_knows() -> None:
    known = AgentConfig(kind="claude", model="big", models={"fast": "small"})
    config = replace(CONFIG, agents={"mine": known})
    assert agents.model_of(config, "mine", a_role("writer")) == "big"
    assert agents.model_of(config, "mine", a_role("writer", model="fast")) == "small"
    with pytest.raises(Refused, match="'slow', which is no word of agent mine") as refused:
        agents.choose(config, "other", a_role("writer", model="slow"), None)
    assert refused.value.hint == "uwf config set agents.mine.models.slow MODEL"
    of_role = replace(config, roles={"writer": RoleConfig(model="own")})
    assert agents.model_of(of_role, "mine", a_role("writer", model="slow")) == "own"


def test_without_any_agent_a_guard_says_no() -> None:
    with pytest.raises(Refused) as refused:
        agents.choose(defaults(), "pair", a_role("writer"), None)
    assert refused.value.reason == "no_agent"
    assert "writer" in refused.value.message


def test_workflow_is_found_by_object_then_by_file_then_by_name(rig: Rig, tmp_path: Path) -> None:
    id = rig.put_workflow(PAIR)
    workflows.register(rig.store, LOOP)
    path = write(tmp_path, "filed")
    for word, source, name in (
        (id, "object", "pair"),
        (id[:8], "object", "pair"),
        (id.upper(), "object", "pair"),
        (str(path), "file", "filed"),
        ("filed", "file", "filed"),
        ("loop", "registry", "loop"),
    ):
        found = workflows.find(rig.store, word, str(tmp_path))
        assert (found.source, found.workflow.name) == (source, name)
    write(tmp_path, "loop")
    assert workflows.find(rig.store, "loop", str(tmp_path)).source == "file"


@pytest.mark.parametrize(
    "word", ["nothing", "", ".", "..", "a/b", "a\0b", "ü" * 300, "feedfeed", "abc", "x\n"]
)
def test_word_that_names_nothing_is_not_found(rig: Rig, tmp_path: Path, word: str) -> None:
    with pytest.raises(UwfError) as missing:
        workflows.find(rig.store, word, str(tmp_path))
    assert isinstance(missing.value, (NotFound, InputError))
    assert missing.value.code in ("no_such_workflow", "bad_input")


def test_object_of_another_kind_is_no_workflow(rig: Rig, tmp_path: Path) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    with pytest.raises(InputError) as refused:
        workflows.find(rig.store, rig.head(id), str(tmp_path))
    assert refused.value.code == "not_a_workflow"


def test_name_that_looks_like_the_beginning_of_ids_is_still_a_name(
    rig: Rig, tmp_path: Path
) -> None:
    with rig.store.transaction("test") as tx:
        many = [tx.put("note", n) for n in range(2_000)]
    begin = next(id[:4] for id in many if sum(other[:4] == id[:4] for other in many) > 1)
    with pytest.raises(Ambiguous):
        workflows.find(rig.store, begin, str(tmp_path))
    workflows.register(rig.store, replace(LOOP, name=begin))
    assert workflows.find(rig.store, begin, str(tmp_path)).source == "registry"


def test_registering_says_what_the_name_meant_before(rig: Rig) -> None:
    first = workflows.register(rig.store, PAIR)
    assert first.before is None
    again = workflows.register(rig.store, PAIR)
    assert (again.workflow, again.before) == (first.workflow, first.workflow)
    other = workflows.register(rig.store, replace(PAIR, description="mended"))
    assert other.before == first.workflow
    assert workflows.registered(rig.store) == {"pair": other.workflow}
    ref = rig.store.ref("@uwf/registry/pair")
    assert ref is not None
    assert ref.version == 2
