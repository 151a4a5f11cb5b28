"""What a streaming answer holds while it streams, and where its reader stands."""

import asyncio
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.hints import hints
from accounts.models import User
from chat.delivery.sse import sse_response
from chat.delivery.tailer import tailer
from chat.models import Generation, Status
from tests.accounts.clients import user_make


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_streaming_answer_holds_no_database_connection(client: Client, tiny_folder: Path) -> None:
    """Else the pool's size would be the number of streams that a web process can serve."""
    call_command("load_checkpoint", str(tiny_folder))
    response = client.post("/api/chat/guest", {"message": "hi"}, content_type="application/json")
    assert response.status_code == 200
    assert response.streaming
    assert connection.connection is None
    response.close()


@pytest.mark.django_db(transaction=True)
def test_end_of_the_session_sends_no_reader_back_to_the_start() -> None:
    """A client that resumed, heard nothing more and resumes again must not read it all twice."""
    user = user_make()
    generation = Generation.objects.create(owner_key="u:1", user=user, status=Status.RUNNING)
    User.objects.update(token_version=user.token_version + 1)
    (last,) = asyncio.run(events(sse_response(generation.pk, "7-0", reader=user)))
    assert last.startswith("id: 7-0\nevent: error\n")
    assert "not_authenticated" in last


async def events(response: StreamingHttpResponse) -> list[str]:
    try:
        return [chunk.decode() async for chunk in response]
    finally:
        await tailer().close()
        await hints().close()
