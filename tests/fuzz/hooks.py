"""Loaded by Schemathesis. A repeated `client_id` gives the first answer, whatever else is asked:
each call that is to be judged by its own input needs one of its own.
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
    name = body.get("client_id") if isinstance(body, dict) else None
    if isinstance(name, str) and re.fullmatch(r"[\x20-\x7e]{1,64}", name):
        case.body = {**body, "client_id": uuid.uuid4().hex}
