"""Who of the staff may do what: three groups whose rights are this table.

It is applied after each `migrate`: rights given to these groups by hand do not stay. ModelAdmins
and pages ask Django's permissions only, never a group.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission

from accounts.models import User

MODERATOR, OPERATOR, ADMIN = "moderator", "operator", "admin"
EVERYTHING = "*"

ROLES: dict[str, set[str]] = {
    MODERATOR: {
        "accounts.view_user",
        "accounts.suspend_user",
        "accounts.view_apikey",
        "accounts.delete_apikey",
        "chat.view_conversation",
        "chat.read_private_conversation",
        "chat.hide_conversation",
        "chat.delete_conversation",
        "chat.view_message",
        "chat.hide_message",
        "chat.delete_message",
        "chat.view_share",
        "chat.delete_share",
        "chat.view_feedback",
        "chat.view_report",
        "chat.change_report",
        "chat.view_safetyrule",
        "chat.add_safetyrule",
        "chat.change_safetyrule",
    },
    OPERATOR: {
        "chat.view_generation",
        "chat.cancel_generation",
        "chat.requeue_generation",
        "inference.view_checkpoint",
        "inference.activate_checkpoint",
        "moderation.view_workers",
    },
    ADMIN: {EVERYTHING},
}


def roles_apply(**_kwargs: Any) -> None:
    """Make the groups what the table says. What no app defines (yet) is left out."""
    by_name = {
        f"{right.content_type.app_label}.{right.codename}": right
        for right in Permission.objects.select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        wanted = by_name.keys() if EVERYTHING in names else names & by_name.keys()
        group.permissions.set([by_name[name] for name in wanted])


def is_admin(user: User) -> bool:
    """Whether the user may make others staff, or free them of their second factor."""
    return user.is_active and (user.is_superuser or user.groups.filter(name=ADMIN).exists())
