"""Template tags of the staff's pages."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """The picture `moderation/icons/<name>.svg`; from lucide (ISC licence), like the page's."""
    return mark_safe(render_to_string(f"moderation/icons/{name}.svg").strip())


@register.filter
def labelled(cells: Iterable[str], headers: list[dict[str, Any]]) -> Iterator[SafeString]:
    """The cells of a row, each with the name of its column: on phones a row is a card."""
    for cell, header in zip(cells, headers, strict=False):
        text = str(header["text"])
        label = escape("" if "<" in text else text[:1].upper() + text[1:])
        parts = str(cell).split(">", 1)
        yield mark_safe(f'{parts[0]} data-label="{label}">{parts[1]}')
