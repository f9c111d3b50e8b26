"""Clips that came while their containers were not read: they wait for a reader now, as if they had come today."""

from django.db import migrations
from django.utils import timezone


def read_again(apps, _editor):
    readings = apps.get_model("gallery", "PictureReading").objects.filter(note="clip")
    readings.update(state="waiting", note="", stripped={}, tries=0, attempt=None, queued_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [
        ("gallery", "0007_link_mentions_of_captions"),
    ]

    operations = [
        migrations.RunPython(read_again, migrations.RunPython.noop, elidable=True),
    ]
