"""Users: searched, filtered, suspended, reactivated."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from accounts.removal import account_erase
from accounts.services import user_reactivate, user_suspend
from moderation.deletion import CountedDeletion

# Tokens are secrets and groups are not used: neither belongs in front of a moderator.
for model in (BlacklistedToken, OutstandingToken, Group):
    admin.site.unregister(model)


if TYPE_CHECKING:
    BaseUserAdmin = UserAdmin[User]
else:
    BaseUserAdmin = UserAdmin


@admin.register(User)
class EuGPTUserAdmin(CountedDeletion, BaseUserAdmin):
    """Suspending goes through the service, so that sessions and sockets end too."""

    list_display = [
        "username",
        "is_active",
        "is_staff",
        "conversations",
        "date_joined",
        "last_login",
    ]
    list_filter = ["is_active", "is_staff", "is_superuser", "date_joined"]
    search_fields = ["username"]
    ordering = ["-date_joined"]
    list_per_page = 50
    show_full_result_count = False
    filter_horizontal = ["user_permissions"]
    readonly_fields = ["date_joined", "last_login"]
    actions = ["deactivate", "reactivate"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        ("Dates", {"fields": ["date_joined", "last_login"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "usable_password", "password1", "password2"],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        conversations = (
            User.objects.filter(pk=OuterRef("pk"))
            .annotate(total=Count("conversations"))
            .values("total")
        )
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(conversation_count=Coalesce(Subquery(conversations), 0))

    @admin.display(ordering="conversation_count")
    def conversations(self, user: User) -> int:
        return int(getattr(user, "conversation_count", 0))

    @admin.action(description="Deactivate: no sign-in, all sessions end")
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        chosen = [user for user in users if user.is_active and user != request.user]
        for user in chosen:
            user_suspend(user=user)
            self.log_change(request, user, "Deactivated")
        self.message_user(request, f"{len(chosen)} deactivated.", messages.SUCCESS)

    @admin.action(description="Reactivate")
    def reactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        chosen = [user for user in users if not user.is_active]
        for user in chosen:
            user_reactivate(user=user)
            self.log_change(request, user, "Reactivated")
        self.message_user(request, f"{len(chosen)} reactivated.", messages.SUCCESS)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        account_erase(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Each in a transaction of its own: what they have runs and is stopped one by one."""
        for user in queryset:
            account_erase(user=user)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            user_suspend(user=obj)
