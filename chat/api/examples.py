"""What conversations look like, for the API's description."""

from typing import Any

from chat.wire.shapes import ENDING, LOGPROBS
from inference.public import SamplingParams

_WRITTEN = "2026-11-22T12:00:00Z"
CONVERSATION: dict[str, Any] = {
    "id": 12,
    "title": "Greetings",
    "created_at": _WRITTEN,
    "updated_at": "2026-11-22T12:00:01Z",
    "pinned": False,
    "archived": False,
}
FOUND = {
    **CONVERSATION,
    "title_highlight": [{"text": "Greet", "is_match": True}, {"text": "ings", "is_match": False}],
    "matches": [
        {
            "message": 40,
            "snippet": [{"text": "Greet", "is_match": True}, {"text": " me!", "is_match": False}],
        }
    ],
}
GENERATION = {
    "id": "0c9e0f2e-3a71-4c52-9df5-6d9f1a2f7b10",
    "status": "completed",
    "finish_reason": "stop",
    "error_code": "",
    "conversation": 12,
    "message": 41,
    "model": "eugpt-36m",
    "attempt": 1,
    "prompt_tokens": 5,
    "completion_tokens": 4,
    "context_trimmed": 0,
    "queued_at": _WRITTEN,
    "started_at": "2026-11-22T12:00:00.004Z",
    "first_token_at": "2026-11-22T12:00:00.050Z",
    "finished_at": "2026-11-22T12:00:00.090Z",
}
FEEDBACK = {"rating": "up", "comment": "Friendly."}
_BRIEF = {
    **{
        name: GENERATION[name]
        for name in ("id", "status", "finish_reason", "error_code", "context_trimmed", "model")
    },
    "params": SamplingParams(seed=3141592653, logprobs=5).to_dict(),
    "prompt_tokens": 5,
    "completion_tokens": 4,
    "begun_tokens": 0,
    "timings": ENDING["timings"],
    "has_trace": True,
}
TRACE = {"tokens": LOGPROBS}
DETAIL = {
    **CONVERSATION,
    "head": 41,
    "messages": [
        {
            "id": 40,
            "role": "user",
            "content": "Greet me!",
            "created_at": _WRITTEN,
            "parent": None,
            "generation": None,
            "notice": None,
            "feedback": None,
            "is_reported": False,
            "is_hidden": False,
        },
        {
            "id": 41,
            "role": "assistant",
            "content": "Hello there!",
            "created_at": _WRITTEN,
            "parent": 40,
            "generation": _BRIEF,
            "notice": None,
            "feedback": FEEDBACK,
            "is_reported": False,
            "is_hidden": False,
        },
    ],
}
