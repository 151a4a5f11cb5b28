from django.db import migrations, models

import accounts.request_ids


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0006_hiding"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="request_id",
            field=models.CharField(
                blank=True, db_default="", default=accounts.request_ids.request_id, max_length=64
            ),
        ),
    ]
