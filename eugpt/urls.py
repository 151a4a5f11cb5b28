"""All HTTP routes. API routes are written without a trailing slash and answer with one too
(`eugpt.middleware`). The front end's files never reach this table (`eugpt.static_site`).
"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from eugpt.docs import DocsView, EventsView, SchemaView
from eugpt.health import HealthView, livez

NOT_BUILT = (
    "The front end is not built here. `make run` builds it.\n"
    "The API is at /api/docs, the administration at /admin/.\n"
)


def front_end_missing(request: HttpRequest) -> HttpResponse:
    """Stands in for index.html where there is no export."""
    return HttpResponse(NOT_BUILT, content_type="text/plain")


urlpatterns = [
    path("", front_end_missing, name="index"),
    path("livez", livez, name="livez"),
    path("api/health", HealthView.as_view(), name="health"),
    path("api/auth/", include("accounts.urls")),
    path("api/", include("accounts.key_urls")),
    path("api/", include("chat.urls")),
    path("v1/", include("chat.api.openai.urls")),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/schema/events", EventsView.as_view(), name="schema-events"),
    path("api/docs", DocsView.as_view(), name="docs"),
    path("admin/", admin.site.urls),
]

handler400 = "eugpt.errors.bad_request"
handler403 = "eugpt.errors.permission_denied"
handler404 = "eugpt.errors.page_not_found"
handler500 = "eugpt.errors.server_error"
