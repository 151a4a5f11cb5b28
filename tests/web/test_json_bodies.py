"""Bodies that are JSON and still cannot be worked with are the client's mistake, on every route."""

import pytest
from rest_framework.test import APIClient

from tests.accounts.clients import error_of


@pytest.mark.parametrize("body", ['{"\\ud800": 1}', '{"username": "\\ud800"}', "[" * 20_000])
def test_a_body_that_cannot_be_sent_back_is_refused(body: str) -> None:
    response = APIClient().post("/api/auth/login", body, content_type="application/json")
    assert error_of(response) == (400, "invalid")
