"""The staff's page of renders: fleet, queue, failures."""

from __future__ import annotations

import pytest

from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db
ADDRESS = "/staff/renders"


def test_it_shows_workers_the_queue_and_failures_with_their_tracebacks(client, ask, worker, render_next):
    ask(prompt="crash")
    render_next()
    ask(prompt="waits")
    client.force_login(ModeratorFactory())

    page = client.get(ADDRESS).text

    assert worker.name in page
    assert "ZeroDivisionError" in page
    assert "The render broke off" in page
    assert "Number 1 in the queue." in page
    assert "mira" in page


@pytest.mark.parametrize(
    ("who", "status"),
    [pytest.param(None, 302, id="anybody"), pytest.param(UserFactory, 403, id="a member")],
)
def test_it_is_the_staffs_alone(client, who, status):
    if who is not None:
        client.force_login(who())

    assert client.get(ADDRESS).status_code == status


def test_it_says_so_where_nothing_renders(client):
    client.force_login(ModeratorFactory())

    page = client.get(ADDRESS).text

    assert "None is running." in page
    assert "Nothing waits." in page
