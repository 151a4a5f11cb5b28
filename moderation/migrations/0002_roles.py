"""The three groups; their rights follow after each migrate (`moderation.roles`)."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def _groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("moderator", "operator", "admin"):
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("moderation", "0001_audit"),
    ]

    operations = [migrations.RunPython(_groups, migrations.RunPython.noop)]
