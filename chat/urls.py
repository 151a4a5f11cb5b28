"""Routes of chat under /api, each list beside its views."""

from chat.api.conversation_urls import urlpatterns as conversation_urlpatterns
from chat.api.opinion_urls import urlpatterns as opinion_urlpatterns
from chat.api.stream_urls import urlpatterns as stream_urlpatterns

app_name = "chat"

urlpatterns = [*conversation_urlpatterns, *opinion_urlpatterns, *stream_urlpatterns]
