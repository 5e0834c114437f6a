from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import config
from uwf.config import edit, keys
from uwf.errors import ConfigInvalid
from uwf.guard.breaker import Breaker
from uwf.guard.capacity.resources import Resources
from uwf.guard.capacity.slot_guard import Slots
from uwf.guard.spending.budget import Budget
from uwf.guard.success_rate import SuccessRate

COMMENTED = """\
# my agents
[agents.rev] # the good one
command = "cat"   # for now

# numbers
[limits]
max_steps = 5 # enough
"""
OUT_OF_ORDER = """\
[agents.a]
command = '/a'
[limits]
max_steps = 1
[agents.b]
command = '/b'
"""


def text_of(home: Path) -> str:
    return (home / "config.toml").read_text()


def test_a_table_may_be_given_as_its_one_value(tmp_path: Path) -> None:
    home = str(tmp_path)
    (tmp_path / "config.toml").write_text('workspace = "worktree"  # as it was\n')
    assert config.load(home).workspace.kind == "worktree"
    assert edit.place(home, ("workspace", "kind")).endswith("config.toml:1")
    edit.set_value(home, "workspace", "folder")
    assert text_of(tmp_path) == 'workspace = "folder"  # as it was\n'
    with pytest.raises(ConfigInvalid, match="is a table"):
        edit.set_value(home, "workspace.ports", "3")
    edit.unset(home, ("workspace", "kind"))
    edit.set_value(home, "workspace", "worktree")
    edit.set_value(home, "workspace.ports", "3")
    assert config.load(home).workspace.ports == 3
    assert config.load(home).workspace.kind == "worktree"


def test_a_table_that_is_given_as_a_wrong_value_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('\nworkspace = "tree"\n')
    with pytest.raises(ConfigInvalid, match=r"config.toml:2: workspace.kind: 'tree' is none of"):
        config.load(str(tmp_path))


def test_comments_and_order_stay(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(COMMENTED)
    edit.set_value(str(tmp_path), "limits.max_steps", "9")
    assert text_of(tmp_path) == COMMENTED.replace("max_steps = 5", "max_steps = 9")


@pytest.mark.parametrize(
    ("key", "text", "read"),
    [
        ("limits.max_running", "3", lambda c: c.rules(Slots.Rules).max_running == 3),
        ("limits.grace", "1m", lambda c: c.limits.grace_s == 60),
        ("limits.reserve_cpus", "0.5", lambda c: c.rules(Resources.Rules).reserve_cpus == 0.5),
        ("limits.reserve_cpus", "off", lambda c: c.rules(Resources.Rules).reserve_cpus is None),
        ("limits.seats", "0", lambda c: c.rules(Resources.Rules).seats == 0),
        ("limits.per_label.repo", "1", lambda c: c.rules(Slots.Rules).per_label == {"repo": 1}),
        (
            "limits.overflow",
            "drop-oldest",
            lambda c: c.rules(Slots.Rules).overflow == "drop-oldest",
        ),
        (
            "limits.disk_floor",
            "1GiB",
            lambda c: c.rules(Resources.Rules).disk_floor_bytes == 1 << 30,
        ),
        ("breaker.cooldown", "5m", lambda c: c.rules(Breaker.Rules).cooldown_s == 300),
        ("stats.min_rate", "0.5", lambda c: c.rules(SuccessRate.Rules).min_rate == 0.5),
        ("retry.classes", "network, timeout", lambda c: c.retry.classes == ("network", "timeout")),
        ("retry.classes", "", lambda c: c.retry.classes == ()),
        ("retry.attempts", "0", lambda c: c.retry.attempts == 0),
        ("budget.thread.usd", "5", lambda c: c.rules(Budget.Rules).thread == {"usd": 5}),
        ("budget.day.tokens", "2M", lambda c: c.rules(Budget.Rules).day == {"tokens": 2_000_000}),
        ("budget.step.time", "90s", lambda c: c.rules(Budget.Rules).step == {"time": 90}),
        ("agents.rev.env.API_KEY", "123", lambda c: c.agents["rev"].env == {"API_KEY": "123"}),
        ("default_agent", "rev", lambda c: c.default_agent == "rev"),
        ("agents.rev.timeout", "off", lambda c: c.agents["rev"].timeout_s is None),
        ("agents.new.command", "a 'b c'", lambda c: c.agents["new"].command == ("a", "b c")),
        ("agents.new.command", '["a b"]', lambda c: c.agents["new"].command == ("a b",)),
        ("agents.rev.env.API_KEY", "x", lambda c: c.agents["rev"].env == {"API_KEY": "x"}),
        ("overrides.tidy.fix", "rev", lambda c: c.overrides == {"tidy": {"fix": "rev"}}),
        ('overrides."a.b".fix', "rev", lambda c: c.overrides == {"a.b": {"fix": "rev"}}),
        ("secrets", "A, B", lambda c: c.secrets == ("A", "B")),
        ("secrets", '["A,B"]', lambda c: c.secrets == ("A,B",)),
        ("agents.rev.secrets", "A, B", lambda c: c.agents["rev"].secrets == ("A", "B")),
        ("agents.rev.args", '["-c", "a b"]', lambda c: c.agents["rev"].args == ("-c", "a b")),
        ("agents.rev.args", "-c 'a b'", lambda c: c.agents["rev"].args == ("-c", "a b")),
    ],
)
def test_what_is_set_is_what_is_read(tmp_path: Path, key: str, text: str, read: object) -> None:
    (tmp_path / "config.toml").write_text(COMMENTED)
    edit.set_value(str(tmp_path), key, text)
    assert read(config.load(str(tmp_path)))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("limits.max_step", "3", "limits.max_step is not a known key"),
        ("limits", "3", "limits is not a known key"),
        ("limits.max_steps", "many", "limits.max_steps: 'many' is not a whole number"),
        ("agents.new.timeout", "5m", "agents.new.command is missing"),
        ("default_agent", "nobody", "no agent is called 'nobody'"),
        ("limits.seats", "1.5", "limits.seats: 1.5 is not a whole number of 0 or more"),
        ("stats.min_rate", "2", "stats.min_rate: 2 is not a rate from 0 to 1"),
        ("budget.day.usd", "-1", "budget.day.usd: '-1' leaves nothing to spend"),
        ("budget.day.time", "60", "budget.day.time: '60' is not a duration"),
        ("retry.classes", "networking", "'networking' is no failure class"),
        ("agents.rev.command", "[", "is not a list"),
        ("a..b", "x", "is not a key"),
        ("", "x", "is not a key"),
        ("a = 1\nb", "x", "is not one key"),
    ],
)
def test_a_refused_value_leaves_the_file_alone(
    tmp_path: Path, key: str, text: str, message: str
) -> None:
    (tmp_path / "config.toml").write_text(COMMENTED)
    with pytest.raises(ConfigInvalid) as caught:
        edit.set_value(str(tmp_path), key, text)
    assert message in caught.value.message
    assert caught.value.hint is not None
    assert text_of(tmp_path) == COMMENTED
    assert not list(tmp_path.glob("*.tmp"))


def test_a_wrong_value_can_be_mended_by_setting_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("limits.max_steps = 'many'\n")
    edit.set_value(str(tmp_path), "limits.max_steps", "9")
    assert config.load(str(tmp_path)).limits.max_steps == 9


def test_the_file_is_private_and_a_link_stays_a_link(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "dotfiles.toml"
    edit.set_value(str(home), "limits.max_steps", "9")
    assert (home / "config.toml").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    (home / "config.toml").rename(elsewhere)
    (home / "config.toml").symlink_to(elsewhere)
    edit.set_value(str(home), "limits.max_steps", "8")
    assert (home / "config.toml").is_symlink()
    assert "max_steps = 8" in elsewhere.read_text()


def set_in_turn(home: str, names: list[str]) -> None:
    for name in names:
        edit.set_value(home, f"agents.{name}.command", "cat")


def test_settings_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    names = [[f"a{writer}-{n}" for n in range(10)] for writer in range(4)]
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=set_in_turn, args=(str(tmp_path), each)) for each in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    assert set(config.load(str(tmp_path)).agents) == {name for each in names for name in each}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), min_size=1))
def test_a_key_is_split_as_it_was_written(parts: list[str]) -> None:
    safe = tuple(part.replace('"', "").replace("\\", "") for part in parts)
    assert keys.split(keys.dotted(safe)) == safe


def test_a_password_in_the_address_of_the_store_is_not_shown(tmp_path: Path) -> None:
    edit.set_value(str(tmp_path), "store", "postgresql://ann:s3cret@h/db")
    [store] = [each for each in edit.settings(str(tmp_path)) if each.key == "store"]
    assert store.value == "postgresql://ann:[redacted]@h/db"
    assert config.load(str(tmp_path)).store == "postgresql://ann:s3cret@h/db"
    with pytest.raises(ConfigInvalid) as refused:
        edit.set_value(str(tmp_path), "store", "postgresql:/ann:s3cret@h/db")
    assert "s3cret" not in f"{refused.value} {refused.value.hint}"


def test_settings_hide_nothing_but_say_what_is_secret(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'secrets = ["PIN"]\n[agents.a]\ncommand = "c"\nenv = { API_KEY = "k", PIN = "1", X = "y" }\n'
    )
    found = {each.key: each for each in edit.settings(str(tmp_path))}
    assert [key for key, each in found.items() if each.is_secret] == [
        "agents.a.env.API_KEY",
        "agents.a.env.PIN",
    ]
    assert found["agents.a.command"].in_file
    assert not found["limits.max_steps"].in_file


@pytest.mark.parametrize(
    ("content", "key", "table"),
    [
        ("limits = 5\n", "limits.max_steps", "limits"),
        ("limits = 'max_steps'\n", "limits.max_steps", "limits"),
        ("limits = ['max_steps']\n", "limits.max_steps", "limits"),
        ("[[limits]]\nmax_steps = 1\n", "limits.max_steps", "limits"),
        ("[limits]\nper_label = true\n", "limits.per_label.repo", "limits.per_label"),
    ],
)
def test_value_where_a_table_belongs_is_named_and_left_alone(
    tmp_path: Path, content: str, key: str, table: str
) -> None:
    (tmp_path / "config.toml").write_text(content)
    with pytest.raises(ConfigInvalid, match=rf"config.toml:\d: {table} is a table") as caught:
        edit.set_value(str(tmp_path), key, "3")
    assert caught.value.hint and "config.toml" in caught.value.hint
    assert text_of(tmp_path) == content


@pytest.mark.parametrize(
    "content",
    [
        "limits = {grace = '1m'}\n",
        "limits.grace = '1m'\n",
        "[limits]\n[stats]\n[limits.per_label]\n",
    ],
)
def test_every_way_to_write_a_table_takes_a_value(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.toml").write_text(content)
    edit.set_value(str(tmp_path), "limits.max_steps", "3")
    assert config.load(str(tmp_path)).limits.max_steps == 3


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("limits.max_steps", COMMENTED, COMMENTED.partition("[limits]")[0]),
        ("agents.rev.command", "agents.rev.model = 'm'\nagents.rev.command = '/a'\n", None),
        ("agents.rev", COMMENTED, "# my agents\n[limits]\nmax_steps = 5 # enough\n"),
        ("limits.grace", "[limits]\ngrace = '3s'\nmax_steps = 1\n", "[limits]\nmax_steps = 1\n"),
        ("limits.grace", "limits = {grace = '3s', max_steps = 1}\n", "limits = {max_steps = 1}\n"),
        ("agents.b", OUT_OF_ORDER, OUT_OF_ORDER.partition("[agents.b]")[0]),
        ("limits.per_label.repo", "[limits]\n[limits.per_label]\nrepo = 1\n", ""),
        ("limits.per_label.repo", "limits.per_label = {repo = 1}\n# end\n", "# end\n"),
        (
            "limits.per_label.repo",
            "[limits] # all\n[limits.per_label]\nrepo = 1\n",
            "[limits] # all\n",
        ),
        (
            "limits.per_label.repo",
            "[limits.per_label]\n# one a repository\nrepo = 1\n",
            "[limits.per_label]\n# one a repository\n",
        ),
        ("agents.rev.command", "[agents.rev]\ncommand = '/a'\n", None),
    ],
)
def test_what_is_unset_leaves_all_else_as_it_is(
    tmp_path: Path, key: str, before: str, after: str | None
) -> None:
    (tmp_path / "config.toml").write_text(before)
    if after is None:
        with pytest.raises(ConfigInvalid):
            edit.unset(str(tmp_path), keys.split(key))
        assert text_of(tmp_path) == before, "what would come out is not allowed"
        return
    edit.unset(str(tmp_path), keys.split(key))
    assert (
        keys.parse(text_of(tmp_path).encode(), "").values == keys.parse(after.encode(), "").values
    )
    comments = [line for line in after.splitlines() if "#" in line]
    assert [line for line in comments if line not in text_of(tmp_path)] == []


def test_what_is_not_set_cannot_be_unset_and_no_home_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(ConfigInvalid, match=r"limits\.grace is not set"):
        edit.unset(str(home), ("limits", "grace"))
    assert not home.exists()
    (tmp_path / "config.toml").write_text(COMMENTED)
    with pytest.raises(ConfigInvalid, match=r"limits\.grace is not set"):
        edit.unset(str(tmp_path), ("limits", "grace"))
    assert text_of(tmp_path) == COMMENTED


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder that takes no file")
def test_a_folder_that_takes_no_file_is_refused_and_not_tried_without_end() -> None:
    with pytest.raises(ConfigInvalid, match="no file can be made in /proc/self"):
        edit.set_value("/proc/self", "limits.seats", "3")


def test_of_an_agent_the_settings_of_its_kind_are_shown(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[agents.a]\ncommand = "c"\nenv.X = "y"\n[agents.b]\nkind = "openai"\nmodel = "m"\nbase_url = "http://h/v1"\n'
    )
    found = {each.key for each in edit.settings(str(tmp_path))}
    assert {"agents.a.linger", "agents.a.env.X", "agents.b.key_env", "agents.b.timeout"} <= found
    assert found.isdisjoint({"agents.a.key_env", "agents.a.effort", "agents.b.command"})
