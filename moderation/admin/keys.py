"""API keys: seen and revoked."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import ApiKey
from moderation.admin.base import link
from moderation.admin.belongings import Belongings
from moderation.admin.facts import FactsAdmin, Section
from moderation.admin.filters import OwnerFilter
from moderation.admin.lists import moment


@admin.register(ApiKey)
class ApiKeyAdmin(Belongings, FactsAdmin):
    """Keys can be seen and revoked; what was shown to their users is stored nowhere."""

    list_display = ["name", "begins", "user", "created", "used", "expires"]
    list_filter = [OwnerFilter, "created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    search_help_text = "Name, beginning of the key, or username"
    ordering = ["-created_at", "-id"]
    actions = ["revoke"]

    def title_of(self, row: ApiKey) -> str:
        return f"Key {row.name}"

    def sections_of(self, request: HttpRequest, row: ApiKey) -> list[Section]:
        facts = [
            ("User", link(row.user)),
            ("Begins with", self.begins(row)),
            ("Made", moment(row.created_at)),
            ("Last used", moment(row.last_used_at, "never")),
            ("Ends", moment(row.expires_at, "never")),
        ]
        return [("The key", facts)]

    @admin.display(description="begins with")
    def begins(self, key: ApiKey) -> SafeString:
        return format_html("<code>{}…</code>", key.prefix)

    @admin.display(description="made", ordering="created_at")
    def created(self, key: ApiKey) -> SafeString:
        return moment(key.created_at)

    @admin.display(description="last used", ordering="last_used_at")
    def used(self, key: ApiKey) -> SafeString:
        return moment(key.last_used_at, "never")

    @admin.display(description="ends", ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString:
        return moment(key.expires_at, "never")

    @admin.action(description="Revoke", permissions=["delete"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        chosen = [key for key in keys if self.may_touch_row(request, key)]
        for key in chosen:
            self.audit(request, "revoke", key, {"user": key.user_id})
            key.delete()
        self.message_user(request, f"{len(chosen)} revoked.", messages.SUCCESS)
