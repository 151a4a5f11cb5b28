"""What EuGPT stores of a chat: conversations, their message trees, generations, opinions.

A conversation is a tree of messages linked by `parent`; `head` is the leaf that is shown.
A generation is one run that writes one assistant message; only services and the worker change
its status, by compare-and-set.
"""

from chat.models.conversations import (
    DEFAULT_TITLE,
    TITLE_MAX_CHARS,
    Conversation,
    Message,
    Role,
    SearchedManager,
)
from chat.models.generations import UNFINISHED, FinishReason, Generation, Status, Trace
from chat.models.opinions import (
    COMMENT_MAX_CHARS,
    Feedback,
    Rating,
    Report,
    ReportReason,
    ReportState,
)
from chat.models.shares import SLUG_MAX_CHARS, Share
from chat.safety.models import SafetyRule

__all__ = [
    "COMMENT_MAX_CHARS",
    "DEFAULT_TITLE",
    "SLUG_MAX_CHARS",
    "TITLE_MAX_CHARS",
    "UNFINISHED",
    "Conversation",
    "Feedback",
    "FinishReason",
    "Generation",
    "Message",
    "Rating",
    "Report",
    "ReportReason",
    "ReportState",
    "Role",
    "SafetyRule",
    "SearchedManager",
    "Share",
    "Status",
    "Trace",
]
