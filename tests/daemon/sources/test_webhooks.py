"""What a webhook brings is the same event that a poll finds, and a payload that is none is refused in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.sources.test_pulls import FORGES, Poller
from tests.helpers import fake_forge
from tests.helpers.fake_forge import REPO, FakeForge
from uwf.daemon.sources.forges.forge import Delivery, Repo
from uwf.daemon.sources.forges.standing import Standing
from uwf.errors import InputError

KINDS = ("github", "gitea")


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    yield from fake_forge.running(lambda: FakeForge(request.param))


def deliver(forge: FakeForge, poller: Poller) -> list[Delivery]:
    kind = FORGES[forge.kind]
    return [
        kind.webhook(poller.repo, call.headers, json.loads(call.body), 1)
        for call in forge.deliveries
    ]


def test_what_comes_by_webhook_and_by_poll_is_one_event(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.comment(42, "First.")
    forge.review(42, "changes_requested", "Second.", "ben")
    forge.line(42, "a.py", "Third.", "ben")
    forge.check(42, "tests", "failure")
    forge.close_pull(42, merged=True)
    poller = Poller(forge)
    found = deliver(forge, poller)
    by_webhook = {event.id: event for delivery in found for event in delivery.events}
    by_poll = {event.id: event for event in poller.poll().events}
    assert by_webhook.keys() <= by_poll.keys()
    assert all(by_poll[id] == event for id, event in by_webhook.items())
    assert len(by_webhook) == (5 if forge.kind == "github" else 2)
    assert len(by_poll) == 5


def test_each_delivery_names_what_is_worth_a_poll(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.comment(42, "First.")
    forge.review(42, "approved", "Second.")
    forge.check(42, "tests", "success")
    numbers = [delivery.numbers for delivery in deliver(forge, Poller(forge))]
    assert numbers == [(42,), (42,), (42,) if forge.kind == "github" else None]


def test_a_payload_of_another_repository_is_refused(forge: FakeForge) -> None:
    forge.open_pull(42)
    forge.comment(42, "First.")
    poller = Poller(forge)
    poller.repo = Repo("shop", forge.kind, "octo/other", Standing())
    with pytest.raises(InputError, match="this is of octo/shop") as refused:
        deliver(forge, poller)
    assert refused.value.code == "other_repo"


def test_any_other_webhook_is_an_event_by_its_delivery() -> None:
    payload = {
        "action": "labeled",
        "repository": {"full_name": REPO},
        "issue": {"number": 7, "title": "Broken", "body": "It is.", "user": {"login": "cat"}},
        "label": {"name": "bug"},
        "sender": {"login": "ann", "type": "User"},
    }
    repo = Repo("shop", "github", REPO, Standing(owners=("ann",)))
    headers = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "d-1"}
    [event] = FORGES["github"].webhook(repo, headers, payload, 5).events
    assert (event.name, event.who, event.trust, event.at_ms) == ("github.issues", "ann", "owner", 5)
    assert event.data["label"] == "bug" and event.data["number"] == 7
    assert "d-1" in event.id
    for name in ("", "is sues", "ä"):
        with pytest.raises(InputError):
            FORGES["github"].webhook(repo, {**headers, "X-GitHub-Event": name}, payload, 5)


def test_a_ping_is_no_event() -> None:
    repo = Repo("shop", "github", REPO, Standing())
    payload = {"zen": "Keep it simple.", "repository": {"full_name": REPO}}
    found = FORGES["github"].webhook(repo, {"X-GitHub-Event": "ping"}, payload, 5)
    assert found == Delivery()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "action comment review pull_request issue number check_run user login "
                "body id state head sha pull_requests status".split()
            ),
            inside,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(
    kind=st.sampled_from(KINDS),
    name=st.sampled_from(
        "issue_comment pull_request_review pull_request_review_comment check_run status "
        "pull_request push ping issues".split()
    ),
    payload=JSON,
)
def test_whatever_a_payload_holds_is_read_or_refused(kind: str, name: str, payload: Any) -> None:
    if isinstance(payload, dict):
        payload["repository"] = {"full_name": REPO}
    repo = Repo("shop", kind, REPO, Standing())
    headers = {
        f"X-{ {'github': 'GitHub'}.get(kind, 'Gitea') }-{word}": name
        for word in ("Event", "Delivery")
    }
    try:
        found = FORGES[kind].webhook(repo, headers, payload, 1)
    except InputError as refused:
        assert refused.message
    else:
        assert all(event.id and event.name for event in found.events)


@pytest.mark.parametrize(
    ("login", "more", "trust"),
    [
        ("ann", {"association": "OWNER"}, "owner"),
        ("ann", {"association": "MEMBER"}, "collaborator"),
        ("ann", {"association": "COLLABORATOR"}, "collaborator"),
        ("ann", {"association": "CONTRIBUTOR"}, "stranger"),
        ("ann", {"association": "NONE"}, "stranger"),
        ("ann", {}, "stranger"),
        ("", {}, "stranger"),
        ("octo", {}, "owner"),
        ("Octo", {}, "owner"),
        ("ann", {"is_official": True}, "collaborator"),
        ("dependabot[bot]", {"association": "NONE"}, "bot"),
        ("helper", {"is_bot": True, "association": "MEMBER"}, "bot"),
        ("Listed", {}, "collaborator"),
        ("chief", {"association": "NONE"}, "owner"),
        ("robot", {"association": "OWNER"}, "bot"),
    ],
)
def test_trust_comes_from_the_standing_of_who_wrote(
    login: str, more: dict[str, Any], trust: str
) -> None:
    standing = Standing(owner="octo", owners=("chief",), collaborators=("listed",), bots=("robot",))
    assert standing.of(login, **more) == trust
