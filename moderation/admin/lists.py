"""What lists show in their cells, and how far they are paged through."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from moderation.templatetags.workplace import icon

if TYPE_CHECKING:
    BasePaginator = Paginator[Any]
else:
    BasePaginator = Paginator

ROWS_MAX = 10_000
NONE = SafeString('<span class="quiet">&ndash;</span>')


class BoundedPaginator(BasePaginator):
    """Counts and leads no further than `ROWS_MAX` rows: the last pages of half a million took a
    second. Whoever looks for one of them searches or filters.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:ROWS_MAX].count())

    @property
    def is_cut(self) -> bool:
        return self.count >= ROWS_MAX


def badge(text: str, look: str = "", picture: str = "") -> SafeString:
    """`look`: good, warn, bad or none; `picture` the name of an icon."""
    shown = icon(picture) if picture else ""
    return format_html('<span class="badge {}">{}{}</span>', look, shown, text)


def number(value: int) -> SafeString:
    """A nought is not what one looks for."""
    return format_html('<span class="number">{}</span>', value) if value else NONE


def moment(at: datetime | None, none: str = "\u2013") -> SafeString:
    """The day to read, the second to point at."""
    if at is None:
        return format_html('<span class="quiet">{}</span>', none)
    return format_html(
        '<time class="moment" datetime="{}" title="{}">{} <span class="quiet">{}</span></time>',
        f"{at:%Y-%m-%dT%H:%M:%SZ}",
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
        f"{at:%Y-%m-%d}",
        f"{at:%H:%M}",
    )


def day(at: datetime | None, none: str = "\u2013") -> SafeString:
    """Where there is little room."""
    if at is None:
        return format_html('<span class="quiet">{}</span>', none)
    shown, exact = f"{at:%Y-%m-%d}", f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time class="moment" datetime="{0}" title="{1}">{0}</time>', shown, exact)
