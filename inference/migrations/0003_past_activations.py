"""What the checkpoints themselves remember of their last activation becomes the first history."""

from typing import Any

from django.db import migrations


def remember(apps: Any, schema_editor: Any) -> None:
    checkpoints = apps.get_model("inference", "Checkpoint").objects.exclude(activated_at=None)
    activations = apps.get_model("inference", "Activation").objects
    for checkpoint in checkpoints:
        activations.create(
            checkpoint=checkpoint, sha256=checkpoint.sha256, at=checkpoint.activated_at
        )


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0002_activations"),
    ]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop, elidable=True)]
