"""Indexes for what happened lately; also brings the two lines of migrations before it together."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0010_first_rules"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="generation",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["queued_at"], name="generation_time", pages_per_range=16
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["created_at"], name="message_time", pages_per_range=16
            ),
        ),
    ]
