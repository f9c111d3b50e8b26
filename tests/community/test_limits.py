"""Limits: how they count, whom they count for, and what becomes of them without a cache server."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import RequestFactory

from community.errors import RateLimited
from community.services.limits import address_key, check_rate
from config.cache import SpareCache

NOON = "2026-03-01T12:00:00+00:00"


@pytest.fixture
def _three_a_minute(settings):
    settings.RATES = {"comment": (3, 60)}


def _spend(key, times):
    for _ in range(times):
        check_rate("comment", key)


@pytest.mark.usefixtures("_three_a_minute")
def test_one_more_than_the_limit_is_refused_until_the_window_ends(time_machine):
    time_machine.move_to("2026-03-01T12:00:20+00:00", tick=False)
    _spend("user:1", 3)

    with pytest.raises(RateLimited) as refusal:
        check_rate("comment", "user:1")
    assert refusal.value.retry_after == 40
    assert "40" in refusal.value.detail

    time_machine.move_to("2026-03-01T12:01:00+00:00", tick=False)
    check_rate("comment", "user:1")


@pytest.mark.usefixtures("_three_a_minute")
def test_one_callers_acts_are_not_anothers():
    _spend("user:1", 3)

    check_rate("comment", "user:2")


@pytest.mark.usefixtures("_three_a_minute")
def test_limits_go_on_counting_while_the_cache_server_is_away(settings, monkeypatch, time_machine):
    time_machine.move_to(NOON, tick=False)
    away = {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock?db=1"}
    settings.CACHES = {"default": away}
    monkeypatch.setattr(SpareCache, "_away_until", 0.0)

    _spend("user:1", 3)

    with pytest.raises(RateLimited):
        check_rate("comment", "user:1")
    assert caches["default"].get("missing", "fallen back") == "fallen back"
    caches["default"].clear()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "key"),
    [
        (0, "1.2.3.4", "9.9.9.9", "address:9.9.9.9"),
        (1, "6.6.6.6, 1.2.3.4", "9.9.9.9", "address:1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 5.5.5.5", "9.9.9.9", "address:1.2.3.4"),
        (2, "1.2.3.4", "9.9.9.9", "address:9.9.9.9"),
        (1, "rubbish", "9.9.9.9", "address:9.9.9.9"),
        (1, "", "9.9.9.9", "address:9.9.9.9"),
        (0, "", "2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        (0, "", "", "address:unknown"),
    ],
    ids=["no-proxy", "one", "two", "too-few-hops", "rubbish", "no-header", "ipv6-network", "unix-socket"],
)
def test_an_address_is_believed_as_far_as_the_proxies_vouch_for_it(settings, proxies, forwarded, remote, key):
    settings.PROXY_COUNT = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR=remote)

    assert address_key(request) == key
