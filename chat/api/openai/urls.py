"""Routes under /v1."""

from django.urls import path

from chat.api.openai.views import ChatCompletionsView, ModelsView, ModelView
from chat.api.openai.waiting import awaiting

app_name = "openai"

urlpatterns = [
    path("models", ModelsView.as_view(), name="models"),
    path("models/<str:model_id>", ModelView.as_view(), name="model"),
    path("chat/completions", awaiting(ChatCompletionsView), name="chat_completions"),
]
