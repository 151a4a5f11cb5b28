"""API keys: seen and revoked."""

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.models import ApiKey
from moderation.admin.base import ModelAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys can be seen and revoked; what was shown to their users is stored nowhere."""

    list_display = ["name", "prefix", "user", "created_at", "last_used_at", "expires_at"]
    list_filter = ["created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    search_help_text = "Name, beginning of the key, or username"
    ordering = ["-created_at", "-id"]
    fields = ["user", "name", "prefix", "created_at", "last_used_at", "expires_at"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.action(description="Revoke: the keys end at once", permissions=["delete"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        chosen = list(keys)
        for key in chosen:
            self.audit(request, "revoke", key, {"user": key.user_id})
            key.delete()
        self.message_user(request, f"{len(chosen)} revoked.", messages.SUCCESS)
