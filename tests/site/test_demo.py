"""`manage.py up --demo`: a site full of samples, made once."""

import psycopg
import pytest

from config import locations

pytestmark = pytest.mark.site


def test_the_demo_fills_an_empty_site_and_refuses_one_with_content(start_site):
    running = start_site("--demo", first=True).ready(240)
    with psycopg.connect(locations.database_url(running.data)) as connection:
        (models,) = connection.execute(
            "SELECT count(*) FROM registry_modelversion WHERE state = 'published'"
        ).fetchone()
        (logins,) = connection.execute("SELECT count(*) FROM community_user WHERE password NOT LIKE '!%'").fetchone()
    running.stop()

    again = start_site("--demo", data=running.data)
    again.process.wait(120)

    assert models >= 12
    assert logins == 0
    assert again.process.returncode == 1
    assert "Safelight cannot run: The site already has content" in again.output.read_text()
