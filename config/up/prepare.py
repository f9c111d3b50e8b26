"""What must be done with Django before the site can serve: migrations, static files, the owner, the demo.

Run by `up` as a child of its own, so that the supervisor never imports Django. It writes one JSON object a line to
standard output and reads answers from standard input:

    {"say": text}          to be shown
    {"ask": "owner"}       nobody runs this site yet; answered by {"name": …, "password": …} or {} for "not now"
    {"refused": text}      the answer cannot be used; ask again
    {"error": text}        the start has failed
"""

import argparse
import json
import secrets
import string
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from config.up import stamp
from config.up.errors import CannotStart

_MIGRATION_LOCK = 0x5AFE11947  # any number that nothing else of ours uses
_PASSWORD_LENGTH = 20


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--owner")
    parser.add_argument("--origin", required=True, help="the address of the site, as browsers see it")
    parser.add_argument("--ask", action="store_true")
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args(arguments)
    sys.stdout = sys.stderr  # what commands print goes to the log: standard output belongs to the protocol
    try:
        django.setup()
        check_storage(options.origin)
        migrate()
        code = collect_static()
        if options.owner:
            ensure_owner(options.owner)
        elif options.ask:
            offer_owner()
        if options.demo:
            tell(say="making the sample content")
            call_command("seed_demo")
        write_stamp(code)
    except (CannotStart, CommandError) as error:
        tell(error=str(error))
        return 1
    except ValidationError as error:
        tell(error=" ".join(error.messages))
        return 1
    return 0


def tell(**message: str) -> None:
    print(json.dumps(message), file=sys.__stdout__, flush=True)


def check_storage(origin: str) -> None:
    if not settings.STORAGE_URL:
        return
    from config.up.store import check_store  # noqa: PLC0415 (it loads boto3, which a site on a disk never needs)

    warning = check_store(settings.STORAGE_URL, origin, settings.STORAGE_ORIGIN)
    if warning:
        tell(say=warning)


def migrate() -> None:
    """Bring the tables to this version's shape. Several machines may start at once: one migrates, the others wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
    try:
        executor = MigrationExecutor(connection)
        _refuse_newer_folder(executor)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            tell(say="bringing the database up to date")
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def _refuse_newer_folder(executor: MigrationExecutor) -> None:
    ours = executor.loader.migrated_apps
    known = set(executor.loader.disk_migrations) | set(executor.loader.replacements)
    strange = sorted(key for key in executor.loader.applied_migrations if key[0] in ours and key not in known)
    if strange:
        raise CannotStart(
            "This data was written by a newer version of Safelight (its tables know "
            f"{strange[0][0]}.{strange[0][1]}): update the program, or restore an older back-up."
        )


def collect_static() -> str:
    """Collect the static files when the code has changed since the last setup. Answers the state of the code."""
    code = stamp.code_state(settings)
    last = stamp.read(settings.SETUP_STAMP)
    if last is None or last.code != code or not Path(settings.STATIC_ROOT).is_dir():
        tell(say="collecting static files")
        call_command("collectstatic", verbosity=0, interactive=False, skip_checks=True)
    return code


def write_stamp(code: str) -> None:
    owners = get_user_model().objects.filter(role="operator", is_active=True).values_list("username", flat=True)
    names = tuple(sorted(name.lower() for name in owners))
    stamp.write(settings.SETUP_STAMP, stamp.Stamp(code, stamp.database_state(settings.DATABASE_URL), names))


def ensure_owner(name: str) -> None:
    """The person `name` exists and is an operator. A new one gets a password, shown once."""
    people = get_user_model().objects
    person = people.filter(username__iexact=name).first()
    if person is None:
        password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_PASSWORD_LENGTH))
        make_owner(name, password)
        tell(say=f"Owner {name} created. Password (shown only now): {password}")
    elif person.role != "operator" or not person.is_active:
        person.role = "operator"
        person.is_active = True
        person.save(update_fields=["role", "is_active"])
        tell(say=f"{person.username} is an operator now; the password is as it was.")


def offer_owner() -> None:
    """Ask for an owner when there is none. The answer may be that there will be none for now."""
    if get_user_model().objects.filter(role="operator").exists():
        return
    tell(ask="owner")
    while answer := json.loads(sys.stdin.readline() or "{}"):
        try:
            make_owner(answer["name"], answer["password"])
        except ValidationError as error:
            tell(refused=" ".join(error.messages))
        else:
            tell(say=f"Owner {answer['name']} created.")
            return


@transaction.atomic
def make_owner(name: str, password: str) -> None:
    """An operator with this name, reserved ones too. Raises ValidationError."""
    person = get_user_model()(username=name, role="operator")
    person.set_password(password)
    person.full_clean(exclude=["password"])
    validate_password(password, person)
    person.save()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
