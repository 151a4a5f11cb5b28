"""Routes of feedback and reports under /api."""

from django.urls import URLPattern, URLResolver, path

from chat.api.opinions import FeedbackView, ReportView

urlpatterns: list[URLPattern | URLResolver] = [
    path("messages/<int:message_id>/feedback", FeedbackView.as_view(), name="feedback"),
    path("messages/<int:message_id>/report", ReportView.as_view(), name="report"),
]
