"""What Gitea and Forgejo say, as events: answers of their API and deliveries of their webhooks. Pure.

The events are those of `github.py`, called `gitea.…`. A webhook about a review carries no id of it, and one about a
check no pull request, so these only say that a poll is worth it now. Comments on lines stand inside their review.
"""

from __future__ import annotations

from uwf.daemon.sources.forges import github
from uwf.daemon.sources.forges.fields import Fields, rows
from uwf.daemon.sources.forges.forge import (
    Delivery,
    ForgeObject,
    Inside,
    PullState,
    Stream,
    found,
    mark,
)
from uwf.daemon.sources.memory import CLOSED, MERGED, OPEN
from uwf.record import replace
from uwf.trust import COLLABORATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.daemon.intake.signature import Headers
    from uwf.daemon.sources.forges.forge import Repo

REVIEWS, COMMENTS, STATUSES = (
    Stream("reviews"),
    Stream("comments", by_time=True),
    Stream("statuses", by_head=True),
)

_API = "/api/v1"
_STATES = {
    "APPROVED": "approved",
    "REQUEST_CHANGES": "changes_requested",
    "COMMENT": "commented",
}
"""Reviews that were sent, in the words of GitHub, so that a trigger may be the same for both."""


class Gitea:
    """See `Forge`."""

    kind = "gitea"
    headers: Mapping[str, str] = {"Accept": "application/json"}
    paths: Mapping[Stream, str] = {
        REVIEWS: _API + "/repos/{repo}/pulls/{number}/reviews?limit=50",
        COMMENTS: _API + "/repos/{repo}/issues/{number}/comments?since={since}",
        STATUSES: _API + "/repos/{repo}/commits/{head}/status?limit=50",
    }

    def repo_path(self, repo: str) -> str:
        return f"{_API}/repos/{repo}"

    def pull_path(self, repo: str, number: int) -> str:
        return f"{_API}/repos/{repo}/pulls/{number}"

    def comment_path(self, repo: str, id: int, path: str) -> str | None:
        """Of a comment on a line nothing can be asked but with all of its review."""
        return f"{_API}/repos/{repo}/issues/comments/{id}" if path.startswith("#") else None

    def log_paths(self, repo: str, check: Mapping[str, Any]) -> list[str]:
        """A status of Gitea's own Actions leads to its job; those of others lead elsewhere."""
        job = check["url"].rpartition("/jobs/")[2]
        return [f"{_API}/repos/{repo}/actions/jobs/{job}/logs"] if job.isdigit() else []

    def pull(self, repo: Repo, fields: Fields) -> PullState:
        fields.id("number")  # what has none is no pull request
        head = fields.below("head").text("sha")
        if fields.text("state") != "closed":
            return PullState(OPEN, head, None)
        state = MERGED if fields.flag("merged") else CLOSED
        return PullState(state, head, github.pull_event(repo, fields, "closed", state))

    def read(self, repo: Repo, number: int, stream: Stream, value: Any) -> list[ForgeObject]:
        if stream is STATUSES:
            return github.GitHub().read(repo, number, github.STATUSES, value)
        if stream is COMMENTS:
            return [_comment(repo, number, each) for each in rows(value)]
        everything = []
        for each in rows(value):
            if "pull_request_review_id" in each:
                everything.append(_comment(repo, number, each))
            elif each.text("state") in _STATES:
                everything += _review(repo, number, each)
        return everything

    def webhook(self, repo: Repo, headers: Headers, payload: Any, now_ms: int) -> Delivery:
        name = headers.get("X-Gitea-Event", "") or headers.get("X-Forgejo-Event", "")
        fields = Fields(payload)
        github.check_repo(repo, fields)
        pull = fields.below("pull_request")
        number = github.number_of(fields, needed=name == "issue_comment")
        action = fields.text("action")
        if name == "issue_comment":
            if action not in ("created", "edited"):
                return Delivery(numbers=(number,))
            event = _comment(repo, number, fields.below("comment")).event
            return Delivery((event,) if event else (), (number,))
        if fields.has("review") or name == "status":
            return Delivery(numbers=(number,) if number else None)
        if name == "pull_request" and action == "closed":
            state = MERGED if pull.flag("merged") else CLOSED
            return Delivery((github.pull_event(repo, pull, "closed", state),), (number,))
        delivery = (
            headers.get("X-Gitea-Delivery", "") or headers.get("X-Forgejo-Delivery", "") or ""
        )
        event = github.other_event(repo, name, delivery, fields, now_ms)
        return Delivery((event,), (number,) if number else ())


def _review(repo: Repo, number: int, review: Fields) -> list[ForgeObject]:
    """A review, and that it has comments on lines, which are asked for again when there are more of them."""
    state, body, id = _STATES[review.text("state")], review.text("body"), review.id()
    who, key, at_ms = review.below("user").text("login"), f"{number}/review/{id}", _at_ms(review)
    says = ("dismissed" if review.flag("dismissed") else state, body)
    event = repo.event(
        "review",
        key,
        says,
        at_ms=review.time_ms("submitted_at"),
        who=who,
        trust=repo.standing.of(who, is_official=review.flag("official")),
        data={
            "number": number,
            "id": id,
            "state": says[0],
            "author": who,
            "body": body,
            "path": f"#{number}",
            "commit": review.text("commit_id"),
            "url": review.text("html_url"),
        },
    )
    is_silent = says[0] == "commented" and not body.strip()
    everything = [found(key, None if is_silent else event, says, at_ms)]
    count = review.number("comments_count")
    if count:
        path = f"{_API}/repos/{repo.name}/pulls/{number}/reviews/{id}/comments"
        inside = Inside(path, _with_reviewer(repo, who, event.trust))
        stamp = mark(count, review.text("updated_at"))
        everything.append(ForgeObject(f"{key}/lines", stamp, at_ms, None, inside))
    return everything


def _with_reviewer(repo: Repo, who: str, trust: str) -> Repo:
    """`repo`, in which the reviewer has the standing of the review: the comments in it say nothing of that."""
    if trust != COLLABORATOR:
        return repo
    known = repo.standing
    return replace(repo, standing=replace(known, collaborators=(*known.collaborators, who)))


def _at_ms(review: Fields) -> int:
    return max(review.time_ms("submitted_at"), review.time_ms("updated_at"))


def _comment(repo: Repo, number: int, comment: Fields) -> ForgeObject:
    who, id, body = comment.below("user").text("login"), comment.id(), comment.text("body")
    path, at_ms = comment.text("path"), comment.time_ms("updated_at")
    key = f"{number}/comment/{id}"
    event = repo.event(
        "comment",
        key,
        (body,),
        at_ms=at_ms,
        who=who,
        trust=repo.standing.of(who),
        data={
            "number": number,
            "id": id,
            "author": who,
            "body": body,
            "path": path or f"#{number}",
            "line": comment.number("position") or comment.number("original_position"),
            "commit": comment.text("commit_id"),
            "url": comment.text("html_url"),
        },
    )
    return found(key, event if body.strip() else None, (body,), at_ms)
