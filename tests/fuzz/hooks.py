"""Loaded by Schemathesis. A repeated `client_id` gives the first answer, whatever else is asked:
each call that is to be judged by its own input needs one of its own. The member keeps the name
that signs in.
"""

import re
import uuid
from typing import Any

import schemathesis


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, object]
) -> None:
    body: Any = case.body
    if case.operation.label == "PATCH /api/auth/me" and _is_name(body):
        case.body = {name: value for name, value in body.items() if name != "username"}
    name = body.get("client_id") if isinstance(body, dict) else None
    if isinstance(name, str) and re.fullmatch(r"[\x20-\x7e]{1,64}", name):
        case.body = {**body, "client_id": uuid.uuid4().hex}


def _is_name(body: Any) -> bool:
    name = body.get("username") if isinstance(body, dict) else None
    return isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z0-9_.-]{3,32}", name))
