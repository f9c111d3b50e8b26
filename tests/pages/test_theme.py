"""The theme: the system's until the person chooses, then the server's to write."""

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_a_chosen_theme_is_written_into_the_next_page(client, chosen):
    answer = client.post(reverse("registry:set-theme"), {"theme": chosen, "next": "/no/such/page"})

    assert answer.headers["Location"] == "/no/such/page"
    assert f'data-theme="{chosen}"' in client.get("/no/such/page").content.decode()


def test_the_system_is_followed_again(client):
    client.post(reverse("registry:set-theme"), {"theme": "dark"})
    client.post(reverse("registry:set-theme"), {"theme": "system"})

    assert "data-theme" not in client.get("/no/such/page").content.decode()


def test_an_unknown_theme_is_refused_by_name(client):
    answer = client.post(reverse("registry:set-theme"), {"theme": "sepia"})

    assert answer.status_code == 400
    assert "theme" in answer.content.decode()
    assert "theme" not in answer.cookies


def test_a_forged_cookie_changes_nothing(client):
    client.cookies["theme"] = '"><script>'

    assert "data-theme" not in client.get("/no/such/page").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "javascript:alert(1)", ""])
def test_the_way_back_never_leaves_the_site(client, elsewhere):
    answer = client.post(reverse("registry:set-theme"), {"theme": "dark", "next": elsewhere})

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("template", ["500.html", "403_csrf.html"])
def test_pages_of_failure_need_neither_request_nor_database(template, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert "<h1>" in render_to_string(template)
