import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Func, Value

from community.search_text import vector


def write_rows(apps, schema_editor):
    """The search rows of the topics that there are already; every other is written with its topic."""
    rows = apps.get_model("community", "TopicSearch").objects
    for topic in apps.get_model("community", "Topic").objects.only("pk", "title", "text").iterator():
        words = Value(vector([(topic.title, "A"), (topic.text, "B")]))
        cast = Func(
            words,
            template="%(expressions)s::tsvector",
            output_field=django.contrib.postgres.search.SearchVectorField(),
        )
        rows.create(topic_id=topic.pk, words=cast)


class Migration(migrations.Migration):
    dependencies = [
        ("community", "0004_add_reports"),
    ]

    operations = [
        migrations.CreateModel(
            name="TopicSearch",
            fields=[
                (
                    "topic",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search",
                        serialize=False,
                        to="community.topic",
                    ),
                ),
                ("words", django.contrib.postgres.search.SearchVectorField()),
            ],
        ),
        migrations.RunPython(write_rows, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="topicsearch",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["words"], name="topic_search_words"
            ),
        ),
    ]
