"""Each tool against a real home: its answers are the documents of the command line, its errors say what to do."""

from __future__ import annotations

import ast
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import ASKS, REVIEW, WRITTEN, program
from tests.test_layers import PACKAGE
from uwf.app import App
from uwf.jsontext import document
from uwf.mcp import bounds, follower, resources
from uwf.mcp.access import VERBS, Access
from uwf.mcp.call import Caller, ToolAnswer
from uwf.mcp.tools.table import TOOLS

GUIDE = Path(__file__).parents[2] / "docs" / "mcp.md"


class Client:
    """A client of a home, which may do what `access` says."""

    def __init__(self, home: Path, access: Access) -> None:
        self.home = str(home)
        self.caller = Caller(self.home, access, "claude-code (MCP)")

    def ask(self, tool: str, **given: Any) -> ToolAnswer:
        return self.caller.call(tool, given, lambda _count, _words: None, threading.Event())

    def __call__(self, tool: str, **given: Any) -> Any:
        answer = self.ask(tool, **given)
        assert not answer.is_error, answer
        return answer.document

    def error(self, tool: str, **given: Any) -> Any:
        answer = self.ask(tool, **given)
        assert answer.is_error, answer
        found = answer.document["error"]
        assert answer.text.startswith(f"error: {found['message']}")
        assert (f"hint: {found['hint']}" in answer.text) == bool(found["hint"])
        return found


def made(folder: Path) -> Path:
    """A home with a thread that has made a step, and an agent that writes."""
    home, text = folder / "home", folder / "reply"
    text.write_text(WRITTEN)
    (folder / "review.yaml").write_text(REVIEW)
    with App.open(str(home)) as app:
        app.workflows.add(str(folder / "review.yaml"))
        app.start("review", "Write of the sea.", cwd=str(folder), labels={"repo": "shop"})
        list(app.exec("@last", agent=program(folder / "agent", f"cat >/dev/null; cat {text}")))
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made(tmp_path)


@pytest.fixture(scope="module")
def looker(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client of a home that several tests look at."""
    return Client(made(tmp_path_factory.mktemp("looked-at")), Access(frozenset(VERBS)))


@pytest.fixture
def client(home: Path) -> Client:
    return Client(home, Access(frozenset(VERBS)))


def test_what_is_looked_at_is_what_the_command_line_says(looker: Client) -> None:
    with App.open(looker.home) as app:
        shown, steps = document(app.show("@last")), document(app.steps.all("@last"))
        step, turns = document(app.steps.show("@last")), document(app.steps.turns("@last"))
        listed = document(app.threads("all").threads)
        workflows = document(app.workflows.all())
        page = app.read("@last").markdown
    assert looker("show", thread="@last") == shown
    assert looker("show", step="@last") == step
    assert looker("list", status="all", labels={"repo": "shop"}) == {
        "threads": listed,
        "next": None,
    }
    assert looker("list", labels={"repo": "other"})["threads"] == []
    assert looker("list", status="completed,cancelled")["threads"] == []
    assert looker("steps", thread="@last")["steps"] == steps
    assert looker("turns", thread="@last") == {"turns": turns, "next": None, "total": len(turns)}
    assert looker("workflows")["workflows"] == workflows
    assert looker("inbox") == {"waiting": [], "next": None}
    read = looker.ask("read", thread="@last")
    assert read.text == read.document["markdown"] == page
    assert read.document["thread"] == shown["thread"]


def test_a_long_text_is_read_piece_by_piece(looker: Client) -> None:
    whole = looker("read", step="@last")["markdown"]
    first = looker.ask("read", step="@last", limit=100)
    assert first.text.endswith(f"(… {len(whole) - 100} more characters: read on with offset 100)")
    rest = looker("read", step="@last", offset=first.document["next"])
    assert first.document["markdown"] + rest["markdown"] == whole


def test_a_thread_is_begun_told_answered_and_ended(client: Client, home: Path) -> None:
    begun = client("start", workflow="review", task="More.", cwd=str(home), budget="usd=1")
    assert set(begun) == {"thread", "workflow", "head", "status"}
    id = begun["thread"]
    told = client("tell", thread=id, text="Mind the gap.")
    assert (told["who"], told["trust"]) == ("claude-code (MCP)", "bot")
    assert client.error("answer", thread=id, text="Yes.")["code"] == "not_asking"
    assert client("cancel", thread=id, reason="enough")["status"] == "cancelled"
    assert client("show", thread=id)["endReason"] == "enough"
    assert client.error("tell", thread=id, text="Still there?")["code"] == "cancelled"


def test_what_a_client_answers_is_no_persons_word(client: Client, home: Path) -> None:
    asks = home.parent / "asks"
    asks.write_text(ASKS)
    with App.open(client.home) as app:
        list(
            app.exec("@last", agent=program(home.parent / "asking", f"cat >/dev/null; cat {asks}"))
        )
    [item] = client("inbox")["waiting"]
    assert item["question"] == "Which colour?"
    answered = client("answer", thread=item["thread"], text="Blue.")
    assert (answered["who"], answered["trust"]) == ("claude-code (MCP)", "bot")
    assert client("inbox")["waiting"] == []


def test_of_many_turns_the_newest_are_shown_and_the_others_by_their_offset(client: Client) -> None:
    command = """cat >/dev/null; for n in 1 2 3 4 5; do echo "{\\"type\\": \\"text\\", \\"text\\": \\"turn $n\\"}"
    done >>"$UWF_EVENTS"; exit 1"""
    with App.open(client.home) as app:
        id = app.start("review", "Another.", cwd=client.home).thread
        list(app.exec(id, agent=program(Path(client.home) / "talks", command)))
    newest = client("turns", thread=id, limit=2)
    assert [turn["text"] for turn in newest["turns"]] == ["turn 4", "turn 5"]
    assert (newest["next"], newest["total"]) == (None, 5)
    first = client("turns", thread=id, limit=2, offset=0)
    assert ([turn["text"] for turn in first["turns"]], first["next"]) == (["turn 1", "turn 2"], 2)


def test_a_secret_is_not_stored_and_the_client_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "sk-0123456789abcdefghij")
    told = client("tell", thread="@last", text="Use sk-0123456789abcdefghij.")
    assert told["text"] == "Use [redacted:SHOP_API_KEY]."
    assert "holds a secret" in told["warnings"][0]


def test_a_step_that_has_failed_goes_on_once_it_was_told_something(client: Client) -> None:
    with App.open(client.home) as app:
        list(app.exec("@last", agent="false"))
    refused = client.error("exec", thread="@last")
    assert refused["code"] == "suspended"
    client("tell", thread="@last", text="The key is there now.")
    with App.open(client.home) as app:
        assert app.way_on("@last").startswith("uwf thread exec ")


class Quiet:
    """A thread of which nothing is new, for so many looks."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    def look(self) -> None:
        self._left -= 1


def test_a_silent_run_is_told_of_as_well_so_that_no_client_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follower, "SILENT_S", 0.0)
    monkeypatch.setattr(follower, "LOOK_S", 0.0)
    told: list[tuple[int, str]] = []
    waiting = follower.Follower(lambda count, words: told.append((count, words)), threading.Event())
    waiting.follow(Quiet(3), 60)  # type: ignore[arg-type]
    assert told == [(count, "nothing new for 0 s") for count in (1, 2, 3)]


def test_events_are_listed_and_one_is_shown_whole(client: Client) -> None:
    with App.open(client.home) as app:
        app.events.send(app.events.own("it.happened", id="e1", thread=app.thread_id("@last")))
        app.events.send(app.events.own("it.ended", id="e2"))
        shown = document(app.events.show("e1"))
    assert [row["event"] for row in client("events")["events"]] == ["e2", "e1"]
    first = client("events", limit=1)
    assert ([row["event"] for row in first["events"]], first["next"]) == (["e2"], 1)
    assert [row["event"] for row in client("events", offset=1)["events"]] == ["e1"]
    assert [row["event"] for row in client("events", thread="@last")["events"]] == ["e1"]
    assert client("events", event="e1") == shown


def test_a_wait_for_what_nobody_runs_ends_at_once(looker: Client) -> None:
    assert looker("wait", thread="@last", seconds=60)["status"] == "idle"


@pytest.mark.parametrize(
    ("tool", "given", "code", "words"),
    [
        ("shw", {}, "no_such_tool", "did you mean show?"),
        ("list", {"limt": 3}, "usage", "list takes no 'limt'; did you mean limit?"),
        ("list", {"limit": 0}, "usage", "list: limit: "),
        ("steps", {}, "usage", '"thread" is a required property'),
        ("show", {}, "usage", "no thread is named"),
        ("show", {"thread": "@last", "step": "@last"}, "usage", "a step names its thread"),
        ("show", {"thread": "ZZZZ"}, "no_such_thread", "no thread 'ZZZZ'"),
        ("list", {"status": "idel"}, "bad_input", "there is no status 'idel'"),
        ("start", {"workflow": "reviw", "task": "x"}, "no_such_workflow", "reviw"),
        ("list", {"limit": 1.5}, "usage", "list: limit: "),
        ("steps", {"thread": "@last", "offset": 1e30}, "usage", "steps: offset: "),
        ("exec", {"thread": "@last", "steps": 0}, "usage", "exec: steps: "),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(
    looker: Client, tool: str, given: dict[str, Any], code: str, words: str
) -> None:
    found = looker.error(tool, **given)
    assert (found["code"], words in found["message"]) == (code, True), found


def test_a_whole_number_may_be_written_as_any_client_writes_it(looker: Client) -> None:
    assert looker("steps", thread="@last", limit=1.0) == looker("steps", thread="@last", limit=1)


def test_an_error_that_quotes_its_call_has_no_secret_and_fits(
    looker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "sk-0123456789abcdefghij")
    found = looker.error("show", thread="sk-0123456789abcdefghij")
    assert found["message"] == "no thread '[redacted:SHOP_API_KEY]'"
    answer = looker.ask("show", thread="A" * 5_000_000)
    assert len(answer.text) < bounds.MOST_CHARS
    assert answer.document["cut"][0].startswith("error.message: 4980")


def test_what_is_not_allowed_is_refused_with_what_would_allow_it(home: Path) -> None:
    client = Client(home, Access(frozenset({"exec"})))
    found = client.error("tell", thread="@last", text="x")
    assert (found["code"], found["hint"]) == ("not_allowed", "uwf mcp --allow exec,tell")


def test_the_thread_of_a_step_is_meant_where_none_is_named(home: Path) -> None:
    with App.open(str(home)) as app:
        own = app.thread_id("@last")
        other = app.start("review", "Another.", cwd=str(home)).thread
    client = Client(home, Access(own=own))
    assert client("show")["thread"] == client("read")["thread"] == own
    assert client("tell", text="For whoever is next.")["thread"] == own
    assert client.error("tell", thread=other, text="x")["code"] == "not_allowed"
    assert client("show", thread=other)["told"] == []


def test_a_thread_and_a_step_are_resources(looker: Client) -> None:
    [listed] = resources.listed(looker.home)
    with App.open(looker.home) as app:
        page, step = app.read("@last").markdown, app.steps.read("@last").markdown
        id = app.steps.all("@last")[0].step
    assert (listed.title, listed.description) == ("Write of the sea.", "review, idle")
    assert resources.read(looker.home, listed.uri) == page
    for uri in (
        f"uwf://step/{id}",
        f"uwf://step/{listed.name}~0",
        f"uwf://step/{listed.name}/writer@1",
    ):
        assert resources.read(looker.home, uri) == step
    assert resources.read(looker.home, f"{listed.uri}?offset=10") == page[10:]


def test_the_pieces_of_a_resource_are_all_of_it(
    looker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with App.open(looker.home) as app:
        whole = app.steps.read("@last").markdown
        uri: str | None = f"uwf://step/{app.thread_id('@last')}/writer@1"
    monkeypatch.setattr(bounds, "TEXT_CHARS", 100)
    pieces = []
    while uri is not None:
        piece, _, more = resources.read(looker.home, uri).partition("\n\n(… ")
        pieces.append(piece)
        uri = more.rpartition(" ")[2].removesuffix(")") or None
    assert "".join(pieces) == whole


@pytest.mark.parametrize(
    "uri",
    [
        "uwf://thing/1",
        "uwf://thread/",
        "file:///etc/passwd",
        "uwf://thread/A?offset=x",
        "uwf://[",
        "",
    ],
)
def test_another_uri_is_no_resource(looker: Client, uri: str) -> None:
    with pytest.raises(Exception, match=r"resource|URI"):
        resources.read(looker.home, uri)


def test_a_home_where_nothing_was_made_is_empty(tmp_path: Path) -> None:
    client = Client(tmp_path / "nothing", Access())
    assert client("list") == {"threads": [], "next": None}
    assert resources.listed(client.home) == []
    assert not (tmp_path / "nothing").exists()


def test_the_guide_names_every_tool_and_what_allows_it() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| (?:`--allow (\w+)`|always) \|$", GUIDE.read_text(), re.M
    )
    assert rows == [(name, name if name in VERBS else "") for name in TOOLS]


def test_one_file_alone_speaks_the_protocol() -> None:
    def names(tree: ast.AST) -> set[str]:
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
        return found

    speak = {
        module for module, tree in PACKAGE.items() if names(tree) & {"mcp", "mcp_types", "anyio"}
    }
    assert speak == {"uwf.mcp.server", "uwf.cli.mcp"}  # which looks whether it is there
