"""What tests of the queue may ask for: one in a fresh database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.project import until
from uwf.jobs.link import Notice, QueueLink


@pytest.fixture
def link(queue_url: str) -> Iterator[QueueLink]:
    link = QueueLink(queue_url, "test", ["uwf_ended", "uwf_wake", "uwf_asked"])
    yield link
    link.close()


def heard(link: QueueLink, count: int) -> list[Notice]:
    """So many notices, as soon as they have come."""
    found: list[Notice] = []

    def are_all() -> bool:
        found.extend(link.heard())
        return len(found) >= count

    until(are_all)
    return found
