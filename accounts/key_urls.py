"""Routes under /api/keys."""

from django.urls import path

from accounts.api.keys import KeysView, KeyView

app_name = "keys"

urlpatterns = [
    path("keys", KeysView.as_view(), name="keys"),
    path("keys/<int:key_id>", KeyView.as_view(), name="key"),
]
