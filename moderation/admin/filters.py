"""Filters that more than one list has, and numbers out of addresses."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User

_ID_MAX = 2**63 - 1


def number_of(text: str | None) -> int | None:
    """A positive number of an address; anything else counts as not given."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number <= _ID_MAX else None


class OwnerFilter(SimpleListFilter):
    """What belongs to one user: where the user's page leads to. Nobody is offered to be chosen."""

    title = "user"
    parameter_name = "owner"
    path = "user"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if (pk := number_of(request.GET.get(self.parameter_name))) is None:
            return []
        names = User.objects.filter(pk=pk).values_list("username", flat=True)
        return [(str(pk), name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(**{self.path: number_of(self.value()) or 0})


class HiddenFilter(SimpleListFilter):
    """What moderators have hidden."""

    title = "hidden"
    parameter_name = "hidden"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Hidden"), ("no", "Shown")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(hidden_at__isnull=self.value() != "yes")
