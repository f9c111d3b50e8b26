import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0005_add_conversions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="modelfile",
            index=models.Index(django.db.models.functions.text.Lower("name"), name="file_by_name"),
        ),
    ]
