from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import UserFactory
from tests.registry.uploads.sending import Sender


def sender_for(person) -> Sender:
    client = Client()
    client.force_login(person)
    return Sender(client)


@pytest.fixture
def person(db):
    return UserFactory()


@pytest.fixture
def sender(person) -> Sender:
    return sender_for(person)


@pytest.fixture
def stranger(db) -> Sender:
    return sender_for(UserFactory())
