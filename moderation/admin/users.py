"""Users: searched, filtered, counted; suspended, let in again and signed out through services.

Accounts of staff are made and changed by admins only; nobody touches the own account here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.errors import NotAuthenticated, WrongPassword
from accounts.models import User
from accounts.removal import account_erase
from accounts.services import sessions_end_all, user_reactivate
from moderation.admin.base import Audited
from moderation.admin.lists import NONE, badge, day, number
from moderation.admin.posts import Posts
from moderation.admin.suspending import USERS_MAX, suspend_view
from moderation.admin.user_filters import ActiveFilter, ReportsFilter, RoleFilter, StateFilter
from moderation.deletion import CountedDeletion
from moderation.people import Counts, last_seen, quota_facts, user_counts, user_facts
from moderation.powers import may_touch

# Tokens are secrets and groups are set by `moderation.roles`: neither is edited by hand.
for model in (BlacklistedToken, OutstandingToken, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


_TOO_LATE = (NotAuthenticated, WrongPassword)
_CHANGED = "Somebody else has deleted or changed the account meanwhile. Nothing was done."

if TYPE_CHECKING:
    BaseUserAdmin = UserAdmin[User]
else:
    BaseUserAdmin = UserAdmin


class UserList(ChangeList):
    """Counts are made for the rows of the page alone: five queries, not a join over all users."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        users: list[Any] = list(self.result_list)
        ids = [user.pk for user in users]
        counts, seen = user_counts(ids), last_seen(ids)
        for user in users:
            user.counts, user.seen_at = counts[user.pk], seen.get(user.pk)
        self.result_list = users


@admin.register(User)
class EuGPTUserAdmin(Posts, CountedDeletion, Audited, BaseUserAdmin):
    list_display = [
        "username",
        "state",
        "conversations",
        "messages_written",
        "prompts_week",
        "reports",
        "seen",
        "joined",
    ]
    sortable_by = ["username", "joined"]
    list_filter = [RoleFilter, StateFilter, ActiveFilter, ReportsFilter, "date_joined"]
    search_fields = ["username"]
    search_help_text = "Username"
    ordering = ["-date_joined"]
    filter_horizontal = []
    readonly_fields = ["date_joined", "last_login"]
    actions = ["suspend", "lift", "end_sessions"]
    change_form_template = "moderation/user.html"
    posts = {"lift": "accounts.suspend_user", "signout": "accounts.suspend_user"}
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "usable_password", "password1", "password2"],
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(lambda request: suspend_view(request, self.admin_site))
        return [path("suspend/", view, name="accounts_user_suspend"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UserList

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if not self.has_change_permission(request, obj):
            return []
        return [
            ("Account", {"fields": ["username", "password"]}),
            ("Staff", {"fields": ["is_staff", "groups", "is_superuser"]}),
            ("Dates", {"fields": ["date_joined", "last_login"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only superusers make superusers; nobody changes the own roles."""
        fixed = list(self.readonly_fields)
        actor = request.user
        if not actor.is_superuser:
            fixed.append("is_superuser")
        if obj is not None and obj.pk == actor.pk:
            fixed += ["is_staff", "groups", "is_superuser"]
        return fixed

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or obj.pk == request.user.pk or may_touch(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or may_touch(request.user, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        user = self.get_object(request, object_id)
        extra = dict(extra_context or {})
        if user is not None and self.has_view_permission(request, user):
            extra |= user_facts(user) | {
                "person": user,
                "quota": quota_facts(user),
                "may_suspend": request.user.has_perm("accounts.suspend_user")
                and may_touch(request.user, user),
            }
        return super().change_view(request, object_id, form_url, extra)

    @admin.action(description="Suspend …")
    def suspend(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse:
        _check_may_suspend(request)
        ids = ",".join(str(pk) for pk in users.values_list("pk", flat=True)[:USERS_MAX])
        return HttpResponseRedirect(f"{reverse('admin:accounts_user_suspend')}?ids={ids}")

    @admin.action(description="Lift suspensions")
    def lift(self, request: HttpRequest, users: QuerySet[User]) -> None:
        _check_may_suspend(request)
        chosen = [u for u in users.filter(is_active=False) if may_touch(request.user, u)]
        for user in chosen:
            self.post_lift(request, user)
        self.message_user(request, f"{len(chosen)} let in again.", messages.SUCCESS)

    @admin.action(description="End all sessions")
    def end_sessions(self, request: HttpRequest, users: QuerySet[User]) -> None:
        _check_may_suspend(request)
        chosen = [user for user in users if may_touch(request.user, user)]
        for user in chosen:
            self.post_signout(request, user)
        self.message_user(request, f"{len(chosen)} signed out everywhere.", messages.SUCCESS)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if not request.user.has_perm("accounts.suspend_user"):
            for name in ("suspend", "lift", "end_sessions"):
                actions.pop(name, None)
        return actions

    def post_lift(self, request: HttpRequest, user: User) -> str:
        _check_may_touch(request, user)
        user_reactivate(user=user)
        self.audit(request, "lift", user)
        return f"{user.username} may sign in again."

    def post_signout(self, request: HttpRequest, user: User) -> str:
        _check_may_touch(request, user)
        sessions_end_all(user=user)
        self.audit(request, "sessions_end", user)
        return f"{user.username} is signed out everywhere."

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Three roles are three boxes."""
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
            kwargs["help_text"] = ""
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Where somebody else was quicker nothing is done, nor written into the log."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except _TOO_LATE:
            messages.error(request, _CHANGED)
            return HttpResponseRedirect(reverse("admin:accounts_user_changelist"))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Asked before anything is deleted, or written into the log as such."""
        names, counts, missing, forbids = super().get_deleted_objects(objs, request)
        if not all(may_touch(request.user, user) for user in objs):
            missing.add("accounts of staff above you, or your own")
        return names, counts, missing, forbids

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        account_erase(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Each in a transaction of its own: what they have runs and is stopped one by one."""
        chosen = list(queryset)
        for user in chosen:
            _check_may_touch(request, user)
        for user in chosen:
            try:
                account_erase(user=user)
            except _TOO_LATE:
                messages.warning(request, f"{user.username}: {_CHANGED}")

    @admin.display(description="state")
    def state(self, user: User) -> SafeString:
        if not user.is_active:
            if user.suspended_until is None:
                return badge("Suspended", "bad", "ban")
            until = f"{user.suspended_until:%Y-%m-%d}"
            return format_html(
                '<span>{} <span class="quiet">to {}</span></span>',
                badge("Suspended", "bad", "ban"),
                until,
            )
        return badge("Staff", "good", "shield-check") if user.is_staff else badge("Member")

    @admin.display(description="chats")
    def conversations(self, user: User) -> SafeString:
        return number(_counts(user).conversations)

    @admin.display(description="messages")
    def messages_written(self, user: User) -> SafeString:
        return number(_counts(user).messages)

    @admin.display(description="7 days")
    def prompts_week(self, user: User) -> SafeString:
        return number(_counts(user).prompts_week)

    @admin.display(description="reports")
    def reports(self, user: User) -> SafeString:
        counts = _counts(user)
        parts = [
            badge(f"{n} {word}", look)
            for n, word, look in (
                (counts.reports_against, "against", "bad"),
                (counts.reports_by, "by", ""),
            )
            if n
        ]
        return format_html_join(" ", "{}", ((part,) for part in parts)) if parts else NONE

    @admin.display(description="seen")
    def seen(self, user: User) -> SafeString:
        return day(getattr(user, "seen_at", None), "never")

    @admin.display(description="joined", ordering="date_joined")
    def joined(self, user: User) -> SafeString:
        return day(user.date_joined)


def _counts(user: User) -> Counts:
    return getattr(user, "counts", None) or Counts()


def _check_may_suspend(request: HttpRequest) -> None:
    if not request.user.has_perm("accounts.suspend_user"):
        raise PermissionDenied


def _check_may_touch(request: HttpRequest, user: User) -> None:
    if not may_touch(request.user, user):
        raise PermissionDenied
