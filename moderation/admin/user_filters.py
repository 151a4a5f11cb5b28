"""What the list of users can be filtered by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Session
from chat.models import Report, ReportState
from chat.services.reports import reports_against


class RoleFilter(SimpleListFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        roles = [(name, name.capitalize()) for name in ("moderator", "operator", "admin")]
        return [("member", "Members"), ("staff", "All staff"), *roles]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None:
                return queryset
            case "member":
                return queryset.filter(is_staff=False)
            case "staff":
                return queryset.filter(is_staff=True)
            case role:
                return queryset.filter(groups__name=role)


class StateFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Active"), ("suspended", "Suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(is_active=self.value() == "active")


class ActiveFilter(SimpleListFilter):
    title = "last seen"
    parameter_name = "active"
    _DAYS = {"day": 1, "week": 7, "month": 30}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("day", "Today"), ("week", "In 7 days"), ("month", "In 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if (days := self._DAYS.get(self.value() or "")) is None:
            return queryset
        since = timezone.now() - timedelta(days=days)
        return queryset.filter(pk__in=Session.objects.filter(last_seen_at__gt=since).values("user"))


class ReportsFilter(SimpleListFilter):
    title = "open reports"
    parameter_name = "reports"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("against", "Against them"), ("by", "By them")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_open = Report.objects.filter(state=ReportState.OPEN)
        if self.value() == "against":
            return queryset.filter(pk__in=reports_against(is_open).values("about"))
        if self.value() == "by":
            return queryset.filter(Exists(is_open.filter(reporter=OuterRef("pk"))))
        return queryset
