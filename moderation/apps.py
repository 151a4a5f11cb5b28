"""App registration of `moderation`."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete


class ModerationConfig(AppConfig):
    name = "moderation"
    verbose_name = "Moderation"

    def ready(self) -> None:
        from accounts.models import User
        from accounts.upkeep import leftovers_register
        from moderation.roles import roles_apply
        from moderation.upkeep import MODERATION_LEFTOVERS

        # This app is the last one: the rights of the others are there when its turn comes.
        post_migrate.connect(roles_apply, sender=self)
        pre_delete.connect(_unname, sender=User)
        leftovers_register(*MODERATION_LEFTOVERS)


def _unname(instance: Any, **_kwargs: Any) -> None:
    from moderation.audit import unname

    unname(instance)
