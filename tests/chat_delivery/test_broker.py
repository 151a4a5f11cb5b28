"""The transport of tasks: what a process that stops has not acknowledged goes back."""

import logging

import pytest
from django.conf import settings

from eugpt.broker import Connection
from eugpt.celery import app

QUEUE = "test-given-back"


@pytest.mark.usefixtures("servers")
def test_what_is_given_back_is_logged_and_not_printed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with app.connection_for_write() as connection:
        assert isinstance(connection, Connection)
        connection.transport_options = options
        channel = connection.channel()
        queue = connection.SimpleQueue(QUEUE, channel=channel)
        queue.put({"generation": "1"})
        assert queue.get(timeout=10).payload == {"generation": "1"}  # and not acknowledged
        with caplog.at_level(logging.INFO, "eugpt.broker"):
            channel.qos.restore_unacked_once()  # type: ignore[attr-defined]
        assert caplog.messages == ["Restoring 1 unacknowledged message(s)"]
        assert capfd.readouterr() == ("", "")
        again = connection.SimpleQueue(QUEUE, channel=connection.channel()).get(timeout=10)
        assert again.payload == {"generation": "1"}
        again.ack()
