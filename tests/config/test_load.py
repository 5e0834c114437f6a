from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import config
from uwf.config import cache, edit, keys
from uwf.config.records import AgentConfig, Limits, RetryConfig
from uwf.errors import ConfigInvalid
from uwf.guard import chain
from uwf.guard.attempts import Attempts
from uwf.guard.backoff import Backoff
from uwf.guard.breaker import Breaker
from uwf.guard.capacity.resources import Resources
from uwf.guard.capacity.slot_guard import Slots
from uwf.guard.spending.budget import Budget
from uwf.guard.success_rate import SuccessRate
from uwf.record import replace

WHOLE = """
default_agent = "reviewer"
secrets = ["DEPLOY_PASS"]

[agents.reviewer]
command = "python3 'my reviewer.py' --fast"
timeout = "1h30m"
stall_timeout = "90s"
linger = "30s"
output_limit = "8MiB"
max_running = 2
env = { REVIEW_TOKEN = "abcdefgh" }

[agents.plain]
kind = "command"
command = ["cat", "a b"]
timeout = "off"

[limits]
max_running = 7
grace = "500ms"

overflow = "drop-oldest"
max_attempts = 4
max_same = "off"
max_repeats = 5
reserve_cpus = 0.5
min_memory = "1GiB"
disk_floor = "2GiB"
seats = 0
per_label.repo = 1
per_workflow = { tidy = 2, "a.b" = 3 }

[breaker]
threshold = 7
cooldown = "10m"

[stats]
window = "2h"
min_rate = 0.5
min_sample = 20
probe_every = "1m"

[retry]
classes = ["network", "timeout"]
attempts = 0
base = "500ms"
max = "10s"
wake_base = "10s"
wake_max = "5m"
margin = "1s"
give_up = "off"

[budget]
step = { tokens = "100k", usd = 0.5, time = "10m" }
thread = { tokens = 2_000_000, usd = 5, steps = 40, visits = 10, time = "2h" }
day = { tokens = "20M", usd = "50", steps = 400, time = "12h" }
reserve = { tokens = "10k", usd = 0.1 }

[overrides.tidy]
fix = "plain"

[prompt]
history_chars = 10
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def write(home: Path, text: str | bytes) -> None:
    (home / "config.toml").write_bytes(text.encode() if isinstance(text, str) else text)


def test_a_home_without_a_file_has_the_defaults(home: Path) -> None:
    found = config.load(str(home))
    assert found == config.defaults()
    assert found.limits == Limits(max_steps=100, grace_s=3.0)
    assert found.rules(Slots.Rules) == Slots.Rules(max_running=5, max_queue=20)
    assert found.rules(Breaker.Rules) == Breaker.Rules(threshold=3, cooldown_s=1800.0)
    assert found.rules(Resources.Rules).reserve_cpus is None
    assert found.rules(Backoff) == Backoff(30.0, 1800.0, 15.0, 86_400.0)
    assert found.retry == RetryConfig(("network", "spawn_failed"), 2, 1.0, 60.0)
    assert found.prompt.history_chars == 32_000
    assert list(home.iterdir()) == []


def test_every_key_reaches_its_field(home: Path) -> None:
    write(home, WHOLE)
    found = config.load(str(home))
    assert found.default_agent == "reviewer"
    assert found.agents["reviewer"] == AgentConfig(
        command=("python3", "my reviewer.py", "--fast"),
        timeout_s=5400.0,
        stall_timeout_s=90.0,
        linger_s=30.0,
        output_limit_bytes=8 << 20,
        max_running=2,
        env={"REVIEW_TOKEN": "abcdefgh"},
    )
    assert found.agents["plain"].command == ("cat", "a b")
    assert found.agents["plain"].timeout_s is None
    assert found.limits == Limits(max_same=None, grace_s=0.5)
    assert found.rules(Slots.Rules) == Slots.Rules(
        max_running=7,
        per_label={"repo": 1},
        per_workflow={"tidy": 2, "a.b": 3},
        overflow="drop-oldest",
    )
    assert found.rules(Attempts.Rules) == Attempts.Rules(max_attempts=4, max_repeats=5)
    assert found.rules(Resources.Rules) == Resources.Rules(
        reserve_cpus=0.5, min_memory_bytes=1 << 30, disk_floor_bytes=2 << 30, seats=0
    )
    assert found.rules(Breaker.Rules) == Breaker.Rules(threshold=7, cooldown_s=600.0)
    assert found.rules(SuccessRate.Rules) == SuccessRate.Rules(
        window_s=7200.0, min_rate=0.5, min_sample=20, probe_every_s=60.0
    )
    assert found.retry == RetryConfig(
        classes=("network", "timeout"), attempts=0, base_s=0.5, max_s=10.0
    )
    assert found.rules(Backoff) == Backoff(10.0, 300.0, 1.0, None)
    assert found.rules(Budget.Rules) == Budget.Rules(
        step={"tokens": 100_000, "usd": 0.5, "time": 600},
        thread={"tokens": 2_000_000, "usd": 5, "steps": 40, "visits": 10, "time": 7200},
        day={"tokens": 20_000_000, "usd": 50, "steps": 400, "time": 43_200},
        reserve={"tokens": 10_000, "usd": 0.1},
    )
    assert config.thread_budget(found.settings) == found.rules(Budget.Rules).thread
    assert found.agent_limits() == {"reviewer": 2}
    assert found.overrides == {"tidy": {"fix": "plain"}}
    assert found.prompt.history_chars == 10
    assert found.secrets == ("DEPLOY_PASS",)
    assert found.agent("someone else") == AgentConfig()


def test_how_long_a_lease_lasts_is_known_without_records(home: Path) -> None:
    assert config.lease_s(config.read(str(home))) == config.load(str(home)).lease_s == 60
    write(home, 'lease = "2m"')
    assert config.lease_s(config.read(str(home))) == config.load(str(home)).lease_s == 120


def test_a_guard_without_a_table_in_the_file_has_its_defaults() -> None:
    found = config.defaults()
    for guard in chain.GUARDS:
        if guard.Rules is not None:
            assert found.rules(guard.Rules) == guard.Rules()


def test_written_out_defaults_mean_the_same_as_no_file(home: Path) -> None:
    lines = [
        f"{keys.dotted(key.path)} = {key.default!r}"
        for key in keys.known()
        if key.default is not None and "*" not in key.path
    ]
    write(home, "\n".join(lines))
    found, usual = config.load(str(home)), config.defaults()
    assert replace(found, settings={}) == usual
    for guard in chain.GUARDS:
        if guard.Rules is not None:
            assert found.rules(guard.Rules) == usual.rules(guard.Rules)
    agent = {key.path[-1]: key.default for key in AgentConfig.keys()}  # noqa: SIM118  # no dictionary
    lines = [f"agents.x.{name} = {value!r}" for name, value in agent.items() if value is not None]
    write(home, "\n".join([*lines, 'agents.x.command = "c"']))
    assert config.load(str(home)).agents["x"] == AgentConfig(command=("c",))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "limits.max_step = 3",
            "is not a known key; did you mean limits.max_steps?",
            "config.toml",
        ),
        ("limit.max_steps = 3", "limit is not a known key; did you mean limits?", "${EDITOR:-vi}"),
        (
            'agents.x.comand = "c"',
            "agents.x.comand is not a known key; did you mean agents.x.command?",
            "",
        ),
        ("limits = 3", "limits is a table", ""),
        ("[[agents]]\nkind='x'", "agents is a table", ""),
        ("[default_agent]\na = 1", "default_agent: {'a': 1} is not a text", ""),
        ("limits.max_steps = 0", "limits.max_steps: 0 is not a whole number of 1 or more", ""),
        ("limits.max_same = 1", "limits.max_same: 1 would end every thread; 'off' means never", ""),
        ("limits.max_steps = true", "limits.max_steps: True is not a whole number", ""),
        ("limits.grace = 3", "limits.grace: 3 is not a duration such as 90s", ""),
        ('agents.x.timeout = "0s"', "ends everything at once", ""),
        ('agents.x.output_limit = "8"', "'8' is not a size such as 64KiB", ""),
        ('agents.x.kind = "nothing"', "'nothing' is not a kind of agent; known: command", ""),
        ('agents.x.command = "a \'b"', "cannot be split into words", ""),
        ("agents.x.command = []", "[] is not a command", ""),
        ('agents.x.timeout = "5m"', "agents.x.command is missing", "config set agents.x.command"),
        ('agents."a b".command = "c"', "'a b' cannot name an agent", ""),
        ('lease = "0.5s"', "lease: '0.5s' is too short", ""),
        ('default_agent = "y"', "no agent is called 'y'", "uwf config set agents.y.command"),
        ('overrides.tidy.fix = "y"', "overrides.tidy.fix: no agent is called 'y'", ""),
        ("secrets = 'A'", "'A' is not a list of names", ""),
        ("limits.overflow = 'drop'", "'drop' is none of refuse, drop-oldest", ""),
        ("limits.reserve_cpus = -1", "-1 is not a number of 0 or more", ""),
        ("limits.reserve_cpus = nan", "nan is not a number of 0 or more", ""),
        ("limits.seats = -1", "-1 is not a whole number of 0 or more", ""),
        ("limits.seats = true", "True is not a whole number of 0 or more", ""),
        ("limits.per_label.repo = 0", "limits.per_label.repo: 0 is not a whole number", ""),
        ("limits.per_label = 1", "limits.per_label is a table", ""),
        ("breaker.cooldown = '0s'", "'0s' is no time at all", ""),
        (
            "breaker.treshold = 3",
            "breaker.treshold is not a known key; did you mean breaker.threshold",
            "",
        ),
        ("stats.min_rate = 30", "30 is not a rate from 0 to 1, such as 0.3", ""),
        ("retry.classes = 'network'", "'network' is not a list of failure classes", ""),
        ("retry.classes = ['net']", "'net' is no failure class; there are spawn_failed", ""),
        (
            "budget.step.steps = 3",
            "budget.step.steps is not a known key; did you mean budget.step.",
            "",
        ),
        (
            "budget.day.token = 3",
            "budget.day.token is not a known key; did you mean budget.day.tokens",
            "",
        ),
        ("budget.thread.usd = 0", "budget.thread.usd: 0 leaves nothing to spend", ""),
        ("budget.thread.time = 60", "60 is not a duration such as 90s", ""),
        ("budget.day = 'usd=5'", "budget.day is a table", ""),
        ("a = \n", "is not TOML: invalid value (at line 1, column 5)", ""),
        (b"\xff\xfe", "is not UTF-8 text: byte 0", ""),
        ("a = " + "[" * 5000, "is not TOML", ""),
    ],
)
def test_mistakes_name_file_key_and_what_is_allowed(
    home: Path, text: str | bytes, message: str, hint: str
) -> None:
    write(home, text)
    with pytest.raises(ConfigInvalid) as caught:
        config.load(str(home))
    assert message in caught.value.message
    assert str(home / "config.toml") in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_folder_in_place_of_the_file_is_named(home: Path) -> None:
    (home / "config.toml").mkdir()
    with pytest.raises(ConfigInvalid, match=r"config\.toml: Is a directory"):
        config.load(str(home))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


@pytest.mark.parametrize("make", [a_pipe, a_device, a_link_to_a_pipe])
def test_what_is_no_file_is_refused_at_once(home: Path, make: Callable[[Path], None]) -> None:
    make(home / "config.toml")
    with pytest.raises(ConfigInvalid, match="not a regular file"):
        config.load(str(home))
    with pytest.raises(ConfigInvalid, match="not a regular file"):
        edit.set_value(str(home), "limits.max_steps", "3")


def test_settings_on_a_disk_that_is_not_there_are_not_the_defaults(home: Path) -> None:
    (home / "config.toml").symlink_to(home / "unmounted" / "uwf.toml")
    with pytest.raises(ConfigInvalid, match=r"is a link to .*unmounted/uwf\.toml"):
        config.load(str(home))


@pytest.mark.parametrize("make", [a_pipe, a_device])
def test_a_cache_that_is_no_file_is_none(home: Path, make: Callable[[Path], None]) -> None:
    write(home, "limits.max_steps = 7")
    (home / "cache").mkdir()
    make(home / "cache" / "config.msgpack")
    assert config.load(str(home)).limits.max_steps == 7


def test_the_second_reading_needs_no_toml(home: Path) -> None:
    write(home, WHOLE)
    first = config.load(str(home))
    code = (
        "import sys; from uwf import config; found = config.load(sys.argv[1]);"
        "print('tomllib' in sys.modules, 'shlex' in sys.modules, 'uwf.guard' in sys.modules, found)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"False False False {first!r}"


def test_a_changed_file_makes_the_cache_worthless(home: Path) -> None:
    write(home, WHOLE)
    config.load(str(home))
    stamp = (home / "config.toml").stat()
    write(home, WHOLE.replace("max_running = 7", "max_running = 8"))
    os.utime(home / "config.toml", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert config.load(str(home)).rules(Slots.Rules).max_running == 8


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_cache_is_no_cache(
    at: int, byte: int, cut: bool, tmp_path_factory: object
) -> None:
    home = tmp_path_factory.mktemp("home")  # type: ignore[attr-defined]
    write(home, WHOLE)
    good = config.load(str(home))
    kept = home / "cache" / "config.msgpack"
    data = bytearray(kept.read_bytes())
    at %= len(data)
    changed = bytes(data[:at]) if cut else bytes(data[:at] + bytes([byte]) + data[at + 1 :])
    kept.write_bytes(changed)
    if changed != data:
        assert cache.read(str(home), WHOLE.encode()) is None
    assert config.load(str(home)) == good


def test_a_cache_that_cannot_be_written_does_no_harm(home: Path) -> None:
    write(home, WHOLE)
    (home / "cache").write_text("a file where the folder should be")
    assert config.load(str(home)).default_agent == "reviewer"


def test_the_cache_is_private(home: Path) -> None:
    write(home, WHOLE)
    config.load(str(home))
    assert (home / "cache").stat().st_mode & 0o777 == 0o700
    assert (home / "cache" / "config.msgpack").stat().st_mode & 0o777 == 0o600


def test_home_is_the_option_then_the_variable_then_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("UWF_HOME", raising=False)
    assert config.home() == f"{tmp_path}/.uwf"
    monkeypatch.setenv("UWF_HOME", "/one")
    assert config.home() == "/one"
    assert config.home("/two/") == "/two"
    monkeypatch.chdir(tmp_path)
    assert config.home("three") == str(tmp_path / "three")
    with pytest.raises(ConfigInvalid, match="--home is empty"):
        config.home("")


@pytest.mark.parametrize(
    ("settings", "lingers_s"),
    [
        ("", None),
        ("linger = '30s'", 30.0),
        ("linger = 'off'", None),
        ("stall_timeout = '15m'", 120.0),
        ("stall_timeout = '15m'\nlinger = 'off'", None),
    ],
)
def test_an_agent_that_streams_may_linger_for_two_minutes(
    home: Path, settings: str, lingers_s: float | None
) -> None:
    write(home, f"[agents.a]\ncommand = 'x'\n{settings}\n")
    assert config.load(str(home)).agent("a").lingers_s(streams=False) == lingers_s


def test_an_agent_that_streams_hangs_after_a_quarter_of_an_hour(home: Path) -> None:
    write(home, "[agents.a]\ncommand = 'x'\n[agents.b]\ncommand = 'x'\nstall_timeout = 'off'\n")
    loaded = config.load(str(home))
    assert [loaded.agent("a").stalls_s(streams=streams) for streams in (True, False)] == [900, None]
    assert loaded.agent("b").stalls_s(streams=True) is None
    assert loaded.agent("b").lingers_s(streams=True) is None
    assert loaded.agent("a").lingers_s(streams=True) == 120


def test_a_role_has_its_agent_and_what_that_is_told_for_it(home: Path) -> None:
    write(
        home,
        "default_agent = 'a'\n[agents.a]\nkind = 'claude'\n[roles.writer]\nagent = 'a'\n"
        "model = 'm'\ntimeout = '5m'\nargs = ['--x']\nenv = {A = 'b'}\n",
    )
    role = config.load(str(home)).role("writer")
    assert (role.agent, role.model, role.timeout_s, role.args) == ("a", "m", 300, ("--x",))
    assert dict(role.env) == {"A": "b"}
    assert config.load(str(home)).agent("a").argv == ("claude",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[agents.a]\ncommand = 'x'\neffort = 'high'\n", "is for agents of kind claude"),
        ("[agents.a]\nkind = 'openai'\nargs = ['x']\n", "is for agents of kind command and"),
        ("[agents.a]\nkind = 'openai'\nbase_url = 'x'\n", "is not an address"),
        ("[agents.a]\nkind = 'openai'\nbase_url = 'http://u:p@x'\n", "key_env names"),
        ("[agents.a]\nkind = 'openai'\nbase_url = 'http://x:y'\n", "Port could not be cast"),
        ("[agents.a]\nkind = 'openai'\nparameters.stop = ['x']\n", "is not a number, a text"),
        ("[agents.a]\nkind = 'claud'\n", "is not a kind of agent"),
        ("[agents.a]\nkind = 'command'\n", "agents.a.command is missing"),
        ("[roles.writer]\nagent = 'nobody'\n", "no agent is called 'nobody'"),
    ],
)
def test_what_does_not_fit_a_kind_is_refused(home: Path, text: str, said: str) -> None:
    write(home, text)
    with pytest.raises(ConfigInvalid, match=re.escape(said)):
        config.load(str(home))


def test_agents_are_not_told_the_password_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UWF_STORE", "postgresql://ann:s3cret@h/db")
    assert config.environment()["UWF_STORE"] == "postgresql://ann@h/db"
    assert config.environment_of_runs()["UWF_STORE"] == "postgresql://ann:s3cret@h/db"
