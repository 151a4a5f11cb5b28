"""What a streaming answer holds while it streams."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client


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
