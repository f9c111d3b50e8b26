"""The OpenAPI document says what the API does, without a warning."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from registry.api.own import urls


def test_the_document_is_made_without_a_warning(tmp_path: Path):
    file = tmp_path / "schema.yaml"

    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(file), stderr=io.StringIO())

    assert "/api/safelight/v1/versions/{version_id}/publish" in file.read_text()


@pytest.mark.django_db
def test_the_document_is_served_and_names_every_address(client):
    document = client.get("/api/safelight/v1/schema/").json()

    named = {path.removeprefix("/api/safelight/v1/") for path in document["paths"]}
    for pattern in urls.urlpatterns:
        route = str(pattern.pattern)
        for kind in ("<str:", "<int:", "<uuid:", "<slug:"):
            route = route.replace(kind, "{")
        assert route.replace(">", "}") in named
