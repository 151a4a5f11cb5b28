"""A generation's place in the trace of its request."""

from django.db import migrations, models

import accounts.spans


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0011_time_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="traceparent",
            field=models.CharField(
                blank=True, db_default="", default=accounts.spans.traceparent, max_length=55
            ),
        ),
    ]
