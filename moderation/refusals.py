"""What staff sees where a page is not theirs, or is not there: the frame, and a way on."""

from http import HTTPStatus

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

_SAID = {
    HTTPStatus.FORBIDDEN: (
        "Not for your role",
        "Your role does not include this page. If you need it, ask an administrator.",
    ),
    HTTPStatus.NOT_FOUND: ("Nothing here", "What stood here is gone, or the address is wrong."),
}


def refusal_page(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    """For Django's handlers 403 and 404 under /admin/."""
    title, words = _SAID[status]
    context = {**admin.site.each_context(request), "title": title, "words": words}
    page = TemplateResponse(request, "moderation/refused.html", context, status=status)
    return page.render()
