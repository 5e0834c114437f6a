"""What GitHub says, as events: answers of its REST API and deliveries of its webhooks. Pure.

| event                 | from                                                                 |
|-----------------------|----------------------------------------------------------------------|
| `github.review`       | reviews that say something; one that only carries comments does not  |
| `github.comment`      | on the pull request, on its lines, on an issue                        |
| `github.check`        | check runs and commit statuses, once they have a conclusion          |
| `github.pull_request` | closed, merged; by webhook whatever else happens to it               |
| `github.NAME`         | any other webhook, by its name                                       |
"""

from __future__ import annotations

from uwf.daemon.sources.forges.fields import Fields, rows
from uwf.daemon.sources.forges.forge import (
    FAILED,
    Delivery,
    ForgeObject,
    PullState,
    Stream,
    found,
)
from uwf.daemon.sources.memory import CLOSED, MERGED, OPEN
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.app.unattended.events import Event
    from uwf.daemon.intake.signature import Headers
    from uwf.daemon.sources.forges.forge import Repo

REVIEWS, COMMENTS = Stream("reviews"), Stream("comments", by_time=True)
LINES, CHECKS, STATUSES = (
    Stream("lines", by_time=True),
    Stream("checks", by_head=True),
    Stream("statuses", by_head=True),
)

_ON_A_PULL = ("issue_comment", "pull_request_review_comment", "pull_request_review")
_SAID = ("created", "submitted", "edited", "dismissed")
"""Actions after which an object says something; what was deleted says nothing any more."""


class GitHub:
    """See `Forge`."""

    kind = "github"
    headers: Mapping[str, str] = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    paths: Mapping[Stream, str] = {
        REVIEWS: "/repos/{repo}/pulls/{number}/reviews?per_page=100",
        COMMENTS: "/repos/{repo}/issues/{number}/comments?per_page=100&since={since}",
        LINES: "/repos/{repo}/pulls/{number}/comments"
        "?per_page=100&sort=updated&direction=asc&since={since}",
        CHECKS: "/repos/{repo}/commits/{head}/check-runs?per_page=100",
        STATUSES: "/repos/{repo}/commits/{head}/status?per_page=100",
    }

    def repo_path(self, repo: str) -> str:
        return f"/repos/{repo}"

    def pull_path(self, repo: str, number: int) -> str:
        return f"/repos/{repo}/pulls/{number}"

    def comment_path(self, repo: str, id: int, path: str) -> str | None:
        kind = "issues" if path.startswith("#") else "pulls"
        return f"/repos/{repo}/{kind}/comments/{id}"

    def log_paths(self, repo: str, check: Mapping[str, Any]) -> list[str]:
        """The id of a check run of GitHub's own Actions is that of its job."""
        return [f"/repos/{repo}/actions/jobs/{check['id']}/logs"] if "/job/" in check["url"] else []

    def pull(self, repo: Repo, fields: Fields) -> PullState:
        fields.id("number")  # what has none is no pull request
        head = fields.below("head").text("sha")
        if fields.text("state") != "closed":
            return PullState(OPEN, head, None)
        state = MERGED if fields.text("merged_at") else CLOSED
        return PullState(state, head, pull_event(repo, fields, "closed", state))

    def read(self, repo: Repo, number: int, stream: Stream, value: Any) -> list[ForgeObject]:
        if stream is REVIEWS:
            return [_review(repo, number, each) for each in rows(value) if _is_sent(each)]
        if stream is CHECKS:
            return [
                _check(repo, number, each)
                for each in Fields(value).each("check_runs")
                if each.text("status") == "completed"
            ]
        if stream is STATUSES:
            sha = Fields(value).text("sha")
            each_one = Fields(value).each("statuses")
            return [
                commit_status(repo, number, each, sha)
                for each in each_one
                if (each.text("state") or each.text("status")) != "pending"
            ]
        return [_comment(repo, number, each) for each in rows(value)]

    def webhook(self, repo: Repo, headers: Headers, payload: Any, now_ms: int) -> Delivery:
        name = headers.get("X-GitHub-Event", "")
        fields = Fields(payload)
        check_repo(repo, fields)
        pull = fields.below("pull_request")
        number = number_of(fields, needed=name in _ON_A_PULL)
        says = fields.text("action") in _SAID
        if name == "ping":
            return Delivery()
        if name in ("issue_comment", "pull_request_review_comment"):
            comment = _comment(repo, number, fields.below("comment"))
            return _delivery(comment if says else None, (number,))
        if name == "pull_request_review":
            review = fields.below("review")
            return _delivery(_review(repo, number, review) if says else None, (number,))
        if name == "check_run":
            return _checks(repo, fields.below("check_run"))
        if name == "status":
            return Delivery(numbers=None)
        if name == "pull_request" and fields.text("action") == "closed":
            state = MERGED if pull.text("merged_at") else CLOSED
            return Delivery((pull_event(repo, pull, "closed", state),), (number,))
        delivery = headers.get("X-GitHub-Delivery", "")
        return Delivery(
            (other_event(repo, name, delivery, fields, now_ms),), (number,) if number else ()
        )


def check_repo(repo: Repo, fields: Fields) -> None:
    """Raise `InputError` for a payload of another repository, whose numbers mean other pull requests."""
    name = fields.below("repository").text("full_name")
    if name.lower() != repo.name.lower():
        raise InputError(
            f"source {repo.source} is of {repo.name}; this is of {name[:100] or 'none'}",
            code="other_repo",
        )


def number_of(fields: Fields, *, needed: bool) -> int:
    """The number of the pull request, or issue, that a payload is about; 0: none, where that may be."""
    about = fields.below("pull_request" if fields.has("pull_request") else "issue")
    return about.id("number") if needed else about.number("number") or fields.number("number")


def pull_event(repo: Repo, pull: Fields, action: str, state: str) -> Event:
    """That a pull request was closed or merged. Who did that is told by webhooks alone, so it is not said."""
    number = pull.id("number")
    at_ms = pull.time_ms("closed_at")
    who = pull.below("user").text("login")
    return repo.event(
        "pull_request",
        f"{number}/{state}",
        (at_ms,),
        at_ms=at_ms,
        who=who,
        trust=repo.standing.of(who, association=pull.text("author_association")),
        data={
            "number": number,
            "action": action,
            "state": state,
            "title": pull.text("title"),
            "author": who,
            "url": pull.text("html_url"),
            "commit": pull.below("head").text("sha"),
        },
    )


def commit_status(repo: Repo, number: int, each: Fields, sha: str) -> ForgeObject:
    """A commit status that is final. GitHub and Gitea call its state by two names."""
    state = each.text("state") or each.text("status")
    name = each.text("context")
    return _concluded(
        repo,
        number,
        f"{number}/status/{each.id()}",
        (state,),
        each.time_ms("updated_at"),
        {
            "id": each.id(),
            "check": name,
            "conclusion": state,
            "commit": sha,
            "summary": each.text("description"),
            "url": each.text("target_url"),
        },
        name,
    )


def other_event(repo: Repo, name: str, delivery: str, fields: Fields, now_ms: int) -> Event:
    """Whatever else a webhook tells: its delivery is its id, and some fields that most have are its data."""
    if not name.replace("_", "").isalnum() or not name.isascii() or len(name) > 100:
        raise InputError("the header that names the event is missing", code="bad_fields")
    if not delivery or len(delivery) > 100:
        raise InputError("the header with the id of the delivery is missing", code="bad_fields")
    about = fields.below("pull_request" if fields.has("pull_request") else "issue")
    sender = fields.below("sender")
    who = sender.text("login")
    author = about.below("user").text("login")
    association = about.text("author_association") if author == who else ""
    return repo.event(
        name,
        f"delivery/{delivery}",
        (name,),
        at_ms=now_ms,
        who=who,
        trust=repo.standing.of(who, association=association, is_bot=sender.text("type") == "Bot"),
        data={
            "number": number_of(fields, needed=False),
            "action": fields.text("action"),
            "state": about.text("state"),
            "title": about.text("title"),
            "body": about.text("body"),
            "author": author or who,
            "url": about.text("html_url"),
            "ref": fields.text("ref"),
            "commit": about.below("head").text("sha") or fields.text("after"),
            "label": fields.below("label").text("name"),
        },
    )


def _delivery(thing: ForgeObject | None, numbers: tuple[int, ...]) -> Delivery:
    event = None if thing is None else thing.event
    return Delivery(() if event is None else (event,), numbers)


def _checks(repo: Repo, run: Fields) -> Delivery:
    """A check run is of each pull request that it names; of a fork it names none, and a poll finds out."""
    numbers = tuple(each.id("number") for each in run.each("pull_requests"))
    if run.text("status") != "completed" or not numbers:
        return Delivery(numbers=numbers or None)
    events = (_check(repo, number, run).event for number in numbers)
    return Delivery(tuple(event for event in events if event is not None), numbers)


def _is_sent(review: Fields) -> bool:
    return review.text("state").lower() != "pending"


def _trust(repo: Repo, fields: Fields) -> str:
    user = fields.below("user")
    return repo.standing.of(
        user.text("login"),
        association=fields.text("author_association"),
        is_bot=user.text("type") == "Bot",
    )


def _review(repo: Repo, number: int, review: Fields) -> ForgeObject:
    state, body = review.text("state").lower(), review.text("body")
    who, id = review.below("user").text("login"), review.id()
    says = (state, body)
    key, at_ms = f"{number}/review/{id}", review.time_ms("submitted_at")
    event = repo.event(
        "review",
        key,
        says,
        at_ms=at_ms,
        who=who,
        trust=_trust(repo, review),
        data={
            "number": number,
            "id": id,
            "state": state,
            "author": who,
            "body": body,
            "path": f"#{number}",
            "commit": review.text("commit_id"),
            "url": review.text("html_url"),
        },
    )
    is_silent = state == "commented" and not body.strip()
    return found(key, None if is_silent else event, says, at_ms)


def _comment(repo: Repo, number: int, comment: Fields) -> ForgeObject:
    who, id, body = comment.below("user").text("login"), comment.id(), comment.text("body")
    path = comment.text("path")
    key, at_ms = f"{number}/{'line' if path else 'comment'}/{id}", comment.time_ms("updated_at")
    event = repo.event(
        "comment",
        key,
        (body,),
        at_ms=at_ms,
        who=who,
        trust=_trust(repo, comment),
        data={
            "number": number,
            "id": id,
            "author": who,
            "body": body,
            "path": path or f"#{number}",
            "line": comment.number("line") or comment.number("original_line"),
            "commit": comment.text("commit_id"),
            "url": comment.text("html_url"),
        },
    )
    return found(key, event, (body,), at_ms)


def _check(repo: Repo, number: int, run: Fields) -> ForgeObject:
    id, done_ms = run.id(), run.time_ms("completed_at")
    conclusion, output = run.text("conclusion"), run.below("output")
    return _concluded(
        repo,
        number,
        f"{number}/check/{id}",
        (conclusion, done_ms),
        done_ms,
        {
            "id": id,
            "check": run.text("name"),
            "conclusion": conclusion,
            "commit": run.text("head_sha"),
            "summary": output.text("title"),
            "url": run.text("html_url"),
        },
        run.below("app").text("slug") or run.text("name"),
    )


def _concluded(
    repo: Repo,
    number: int,
    key: str,
    says: tuple[object, ...],
    at_ms: int,
    data: Mapping[str, Any],
    who: str,
) -> ForgeObject:
    """A check that has come to a conclusion. Whoever may report one may write to the repository: no stranger."""
    event = repo.event(
        "check",
        key,
        says,
        at_ms=at_ms,
        who=who,
        trust="bot",
        data={"number": number, "failed": data["conclusion"] in FAILED, **data},
    )
    return found(key, event, says, at_ms)
