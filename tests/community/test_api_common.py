"""What every view of our own API shares, tried on the smallest view that uses all of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from community.api.common.paging import decode_cursor, encode_cursor, keyset_page
from community.api.common.serializers import StrictBoolean, StrictInteger, StrictText
from community.errors import Conflict, InvalidInput, RateLimited, StoreFull
from community.models import ApiToken, User
from community.services.tokens import create_token, revoke_token
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


class ThingSerializer(serializers.Serializer):
    name = StrictText(max_length=20)
    sell = StrictBoolean()
    size = StrictInteger(required=False)


class ThingView(APIView):
    scopes = {"GET": "models:read", "POST": "models:write"}
    public_reads = True

    def get(self, request):
        return Response({"who": str(request.user), "scopes": request.auth and request.auth.scopes})

    def post(self, request):
        given = ThingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(given.validated_data, status=201)

    def delete(self, request):
        return Response(status=204)


view = ThingView.as_view()
make = APIRequestFactory()


def ask(method="get", token="", user=None, view=view, **kwargs):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = getattr(make, method)("/thing", headers=headers, **kwargs)
    if user is not None:
        force_authenticate(request, user)
    response = view(request)
    response.render()
    return response


def problem_in(response):
    assert response["Content-Type"] == "application/problem+json"
    found = json.loads(response.content)
    assert found["status"] == response.status_code
    assert {"type", "title", "detail", "code"} <= set(found)
    return found


def token_of(*scopes, **kwargs):
    return create_token(UserFactory(), "script", scopes, **kwargs)


def test_anybody_reads_what_is_public():
    response = ask()

    assert response.status_code == 200


def test_a_site_that_asks_for_a_login_shows_programs_nothing_either(settings):
    settings.LOGIN_TO_LOOK = True

    response = ask()

    assert problem_in(response)["code"] == "not_authenticated"
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_writing_asks_for_a_name():
    response = ask("post", data={"name": "x", "sell": True}, format="json")

    assert response.status_code == 401
    assert problem_in(response)["code"] == "not_authenticated"


@pytest.mark.parametrize(
    ("scopes", "method", "status"),
    [
        (["models:read"], "get", 200),
        (["models:write"], "get", 200),
        (["models:write"], "post", 201),
        (["models:read"], "post", 403),
        (["images:write"], "get", 403),
        (["models:read", "models:write", "images:write", "renders:write"], "delete", 403),
    ],
    ids=["read", "write-includes-read", "write", "read-does-not-write", "another-scope", "undeclared-method"],
)
def test_a_token_may_do_what_its_scopes_say(scopes, method, status):
    _, plain = token_of(*scopes)
    body = {"data": {"name": "x", "sell": True}, "format": "json"} if method == "post" else {}

    response = ask(method, plain, **body)

    assert response.status_code == status


def test_a_missing_scope_is_named():
    _, plain = token_of("models:read")

    found = problem_in(ask("post", plain, data={}, format="json"))

    assert found["code"] == "scope_missing"
    assert found["scope"] == "models:write"
    assert "models:write" in found["detail"]


def test_a_session_holds_every_scope():
    response = ask("post", user=UserFactory(), data={"name": "x", "sell": False}, format="json")

    assert response.status_code == 201


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token, plain: plain[:-1],
        lambda token, plain: plain + "x",
        lambda token, plain: "slt_" + "é" * 20,
        lambda token, plain: "x" * 5000,
        lambda token, plain: "",
        lambda token, plain: revoke_token(token) or plain,
        lambda token, plain: ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1)) and plain,
        lambda token, plain: User.objects.update(is_active=False) and plain,
    ],
    ids=["cut", "longer", "not-ascii", "huge", "empty", "revoked", "expired", "person-shut-out"],
)
def test_a_token_that_does_not_hold_is_refused_even_for_public_reading(spoil):
    token, plain = token_of("models:read")
    spoiled = spoil(token, plain)

    request = make.get("/thing", headers={"Authorization": "Bearer " + spoiled})
    response = view(request)
    response.render()

    assert response.status_code == 401
    assert problem_in(response)["code"] == "authentication_failed"


def test_use_of_a_token_is_noted_once_a_minute(time_machine):
    token, plain = token_of("models:read")
    time_machine.move_to("2026-03-01T12:00:00+00:00", tick=False)
    ask(token=plain)
    token.refresh_from_db()
    first = token.last_used_at

    time_machine.move_to("2026-03-01T12:00:59+00:00", tick=False)
    ask(token=plain)
    token.refresh_from_db()
    within = token.last_used_at
    time_machine.move_to("2026-03-01T12:01:01+00:00", tick=False)
    ask(token=plain)
    token.refresh_from_db()

    assert first == within
    assert token.last_used_at == timezone.now()


BODIES = {
    "not-json": b"{",
    "no-body-of-an-object": b"[1, 2]",
    "bare-text": b'"x"',
    "latin-1": '{"name": "é"}'.encode("latin-1"),
    "deep-lists": b'{"name":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep-but-parsed": b'{"name":' + b"[" * 200 + b"]" * 200 + b"}",
    "endless-integer": b'{"size":' + b"9" * 10_000 + b"}",
    "not-a-number": b'{"size": NaN}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_cannot_be_read_is_a_problem_and_no_fault(body):
    response = ask("post", user=UserFactory(), data=body, content_type="application/json")

    assert response.status_code == 400
    assert "sys." not in problem_in(response)["detail"]  # said to callers, not to programmers of Python


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"sell": true}', "name"),
        ('{"name": "a\\u0000b", "sell": true}', "name"),
        ('{"name": "a\\ud800b", "sell": true}', "name"),
        ('{"more": [{"x": "\\u0000"}]}', "more.0.x"),
        ('{"name": "two\\nlines", "sell": true}', "name"),
        ('{"name": 5, "sell": true}', "name"),
        (json.dumps({"name": "n" * 10_000, "sell": True}), "name"),
        ('{"name": "x", "sell": "maybe"}', "sell"),
        ('{"name": "x", "sell": "yes"}', "sell"),
        ('{"name": "x", "sell": 1}', "sell"),
        ('{"name": "x", "sell": null}', "sell"),
        ('{"name": "x", "sell": true, "size": 1.5}', "size"),
        ('{"name": "x", "sell": true, "size": true}', "size"),
        ('{"name": "x", "sell": true, "size": -1}', "size"),
        ('{"name": "x", "sell": true, "size": 9223372036854775808}', "size"),
        ('{"name": "x", "sell": true, "size": 1e999}', "size"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_a_wrong_value_names_its_field(body, field):
    response = ask("post", user=UserFactory(), data=body.encode(), content_type="application/json")

    assert response.status_code == 400
    assert problem_in(response)["field"] == field


def test_every_wrong_field_is_listed():
    found = problem_in(ask("post", user=UserFactory(), data={"size": "x"}, format="json"))

    assert list(found["errors"]) == ["name", "sell", "size"]
    assert found["field"] == "name"


def test_a_body_of_another_type_is_refused():
    response = ask("post", user=UserFactory(), data="name=x", content_type="application/x-www-form-urlencoded")

    assert response.status_code == 415
    assert problem_in(response)["code"] == "unsupported_media_type"


def test_a_body_over_the_limit_is_refused_unread(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    response = ask(
        "post", user=UserFactory(), data=b'{"name": "' + b"x" * 2000 + b'"}', content_type="application/json"
    )

    assert response.status_code == 413
    assert problem_in(response)["code"] == "too_large"


def test_an_odd_accept_header_still_gets_json():
    response = view(make.get("/thing", headers={"Accept": "text/html"}))
    response.render()

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("refusal", "status", "members"),
    [
        (InvalidInput("Wrong.", field="sha256"), 400, {"code": "invalid", "field": "sha256"}),
        (
            Conflict("Not yet.", code="unmet", extra={"unmet": ["license"]}),
            409,
            {"code": "unmet", "unmet": ["license"]},
        ),
        (StoreFull("No room."), 507, {"code": "store_full"}),
        (RateLimited("Too often.", retry_after=7), 429, {"code": "rate_limited"}),
    ],
    ids=["invalid", "conflict", "full", "rate"],
)
def test_a_refusal_of_a_service_is_told_in_full(refusal, status, members):
    class Refusing(APIView):
        public_reads = True

        def get(self, request):
            raise refusal

    response = ask(view=Refusing.as_view())

    assert response.status_code == status
    assert members.items() <= problem_in(response).items()
    assert response.get("Retry-After") == ("7" if status == 429 else None)


def test_a_fault_of_ours_stays_a_fault():
    class Broken(APIView):
        public_reads = True

        def get(self, request):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(view=Broken.as_view())


def test_polling_over_the_limit_says_when_to_come_back(settings, time_machine):
    time_machine.move_to("2026-03-01T12:00:00.25+00:00", tick=False)
    settings.RATES = {**settings.RATES, "poll": (5, 1)}
    person = UserFactory()

    class Polled(ThingView):
        rates = {"GET": "poll"}

    answers = [ask(user=person, view=Polled.as_view()) for _ in range(6)]
    other = ask(user=UserFactory(), view=Polled.as_view())

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1]["Retry-After"] == "1"
    assert other.status_code == 200


def test_a_list_is_read_to_its_end_in_either_direction():
    made = [UserFactory(display_name=name) for name in ["b", "a", "b", "a", "c"]]
    rows = User.objects.filter(pk__in=[user.pk for user in made])
    order = ("-display_name", "pk")

    seen, cursor = [], ""
    for _page in range(3):
        page = keyset_page(rows, order, cursor=cursor, size=2)
        seen += [user.pk for user in page.items]
        cursor = page.next

    assert seen == list(rows.order_by(*order).values_list("pk", flat=True))
    assert cursor == ""


def test_moments_survive_a_cursor():
    moment = timezone.now()

    assert decode_cursor(encode_cursor([moment, 3], salt="x"), salt="x", length=2) == [moment, 3]


@pytest.mark.parametrize(
    "cursor",
    ["x", "a.b", "é", "." * 5000, encode_cursor([1], salt="other"), encode_cursor([1, 2], salt="pk")],
    ids=["word", "forged", "not-ascii", "huge", "of-another-order", "of-another-length"],
)
def test_a_cursor_of_somebody_elses_making_is_refused(cursor):
    with pytest.raises(InvalidInput) as refusal:
        keyset_page(User.objects.all(), ("pk",), cursor=cursor, size=2)

    assert refusal.value.field == "cursor"


def test_nobody_is_nobody_without_a_header():
    response = ask()

    assert json.loads(response.content)["who"] == str(AnonymousUser())
