"""Render a receipt again and say whether the picture is the same."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from community.errors import SafelightError
from inference.models import RenderResult, Verification
from inference.models.refusals import explain_render
from inference.services.verifying import verify_receipt
from inference.services.waiting import why_waiting

pause: Final = partial(time.sleep, 0.5)  # between two looks at the row


class Command(BaseCommand):
    help = "Renders the receipt of a result again, on whichever worker takes it, and compares the pictures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=uuid.UUID, help="the id of the result, as in the address of its picture")
        parser.add_argument("--wait", type=float, default=600, help="seconds to wait for a worker (600)")

    def handle(self, *_: Any, **options: Any) -> None:
        result = RenderResult.objects.select_related("job").filter(pk=options["id"]).first()
        if result is None:
            raise CommandError("There is no result with this id.")
        try:
            verification = verify_receipt(result, by=None)
        except SafelightError as refusal:
            raise CommandError(str(refusal.detail)) from None
        self._tell(self._waited_for(verification, options["wait"]))

    def _waited_for(self, verification: Verification, seconds: float) -> Verification:
        until = time.monotonic() + seconds
        while verification.outcome == Verification.Outcome.PENDING:
            if time.monotonic() > until:
                raise CommandError(f"Not rendered yet: {why_waiting(verification.job) or 'it is being rendered'}")
            pause()
            verification = Verification.objects.select_related("job").get(pk=verification.pk)
        return verification

    def _tell(self, verification: Verification) -> None:
        if verification.outcome == Verification.Outcome.FAILED:
            error = verification.job.error
            raise CommandError(explain_render(error.get("code", "broke_off"), error.get("params", {})))
        mean, most = verification.mean_difference, verification.most_difference
        self.stdout.write(f"{verification.outcome}: mean difference {mean:.4f}, largest {most} (of 255)")
        for name, (then, now) in verification.environment.items():
            self.stdout.write(f"  {name}: {then} then, {now} now")
