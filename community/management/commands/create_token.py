"""`manage.py create_token USER --scopes a,b`: a key for a program, for people at the machine itself."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from community.errors import SafelightError
from community.models import User
from community.services.tokens import create_token

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Makes an API token. It is the last word of standard output and is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name, in any case of letters")
        parser.add_argument("--scopes", required=True, help="comma-separated, e.g. models:read,models:write")
        parser.add_argument("--name", default="command line", help="what the settings page calls the token")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username__iexact=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no person called {options['user']!r}.")
        try:
            token, plain = create_token(user, options["name"], options["scopes"].split(","))
        except SafelightError as refusal:
            raise CommandError(f"{refusal.field}: {refusal.detail}" if refusal.field else refusal.detail) from None
        log.info("Made the token %s for %s with %s.", token.hint, user.username, ", ".join(token.scopes))
        self.stdout.write(plain)
