"""Which release of a model wrote a reply: one name may be released again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0007_request_id"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="model_sha256",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
