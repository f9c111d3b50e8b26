"""Comments from before mentions were kept name people whom nobody linked: they are looked up once, here.

In batches that each are a transaction of their own, so that a large table is not held; run twice it changes nothing.
Nobody is told: whom an old comment names was named long ago.
"""

from django.db import migrations
from django.db.models.functions import Lower

from community.services.markdown import mentions_in

BATCH = 500
MOST = 10  # names of one text that are looked up, as when it is written


def write_mentions(apps, _editor):
    users, rows = apps.get_model("community", "User").objects, apps.get_model("community", "Comment").objects
    # PostgreSQL looks for the sign itself, so that comments without one never leave it.
    waiting = rows.filter(mentions=[], text__contains="@").order_by("pk")
    last = 0
    while batch := list(waiting.filter(pk__gt=last).only("pk", "text")[:BATCH]):
        last = batch[-1].pk
        rows.bulk_update(named_in(batch, users), ["mentions"])


def named_in(batch, users):
    """Those of a batch that name somebody, with the names as those people write them."""
    named = {row.pk: [name.lower() for name in mentions_in(row.text, most=MOST)] for row in batch}
    wanted = {name for names in named.values() for name in names}
    found = users.alias(low=Lower("username")).filter(low__in=wanted, is_active=True).values_list("username", flat=True)
    people = {name.lower(): name for name in found}
    for row in batch:
        row.mentions = [people[name] for name in named[row.pk] if name in people]
    return [row for row in batch if row.mentions]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("community", "0007_mark_counts_of_images"),
    ]

    operations = [
        migrations.RunPython(write_mentions, migrations.RunPython.noop, elidable=True),
    ]
