from django.db import migrations

# Whatever was not copied yet is copied once; from then on each change marks itself.
MARK = """
UPDATE community_subject SET counts_changed = true
WHERE kind = 'image' AND (reaction_count > 0 OR comment_count > 0)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("community", "0006_mark_changed_counts"),
    ]

    operations = [
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
