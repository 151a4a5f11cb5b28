"""Shapes of the conversation routes."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import StrictBooleanField, StrictIntegerField, StrictSerializer, shape_example
from chat.api import examples
from chat.api.stream_shapes import ParamsField
from chat.delivery.endings import timings
from chat.models import TITLE_MAX_CHARS, Conversation, Feedback, Generation, Message, Rating, Role
from chat.safety.models import Category
from chat.search import MATCHES_MAX

PAGE_LIMIT_DEFAULT = 30
PAGE_LIMIT_MAX = 100
QUERY_MAX_CHARS = 200
# Without `limit` a conversation of up to so many messages comes whole, branches and all.
MESSAGES_WHOLE_MAX = 2000
MESSAGES_PAGE_MAX = 500
ARCHIVED = {"false": False, "true": True, "all": None}


class SearchField(serializers.CharField):
    """Any text is one to look for; what no stored text can contain is passed over."""

    def to_internal_value(self, data: Any) -> str:
        return re.sub("[\x00\ud800-\udfff]", "", super().to_internal_value(data))


class ConversationListQuery(serializers.Serializer[Any]):
    """Parameters of the list, all optional."""

    limit = serializers.IntegerField(
        min_value=1, max_value=PAGE_LIMIT_MAX, default=PAGE_LIMIT_DEFAULT
    )
    cursor = serializers.CharField(
        required=False, max_length=200, help_text="From the `Link` header of the page before."
    )
    q = SearchField(
        source="query",
        required=False,
        allow_blank=True,
        max_length=QUERY_MAX_CHARS,
        help_text="Beginnings of words that stand in a title or in one message; in any script.",
    )
    archived = serializers.ChoiceField(
        choices=list(ARCHIVED), default="false", help_text="Only these, only the others, or all."
    )

    def validate_archived(self, value: str) -> bool | None:
        return ARCHIVED[value]


@shape_example({"title": "Greetings"})
class ConversationCreateInput(StrictSerializer):
    title = serializers.CharField(max_length=TITLE_MAX_CHARS, required=False)


@shape_example({"title": "Greetings", "pinned": True})
class ConversationUpdateInput(StrictSerializer):
    title = serializers.CharField(max_length=TITLE_MAX_CHARS, required=False)
    pinned = StrictBooleanField(required=False)
    archived = StrictBooleanField(required=False)
    head = StrictIntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        help_text="Show the branch of this message, down to its newest leaf.",
    )


@shape_example(examples.CONVERSATION)
class ConversationOutput(serializers.ModelSerializer[Conversation]):
    class Meta:
        model = Conversation
        fields = ["id", "title", "created_at", "updated_at", "pinned", "archived"]
        read_only_fields = fields


class SegmentOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    is_match = serializers.BooleanField()


class MatchOutput(serializers.Serializer[Any]):
    message = serializers.IntegerField()
    snippet = SegmentOutput(many=True)


class FoundOutput(serializers.Serializer[Any]):
    """What a search adds to a row of the list."""

    title_highlight = SegmentOutput(many=True, required=False)
    matches = MatchOutput(
        many=True, required=False, help_text=f"The newest messages found, at most {MATCHES_MAX}."
    )


@shape_example(examples.FOUND)
class ConversationListOutput(FoundOutput, ConversationOutput):
    """A row of the list; the last two only when something was searched."""

    class Meta(ConversationOutput.Meta):
        fields = [*ConversationOutput.Meta.fields, "title_highlight", "matches"]
        read_only_fields = ConversationOutput.Meta.fields


class TimingsOutput(serializers.Serializer[Any]):
    queued_s = serializers.FloatField(allow_null=True)
    ttft_s = serializers.FloatField(allow_null=True, help_text="From joining to the first words.")
    total_s = serializers.FloatField(allow_null=True)
    tokens_per_s = serializers.FloatField(allow_null=True, help_text="After the first token.")


class GenerationBrief(serializers.ModelSerializer[Generation]):
    """How a reply came about; with these params and its seed it can be written again."""

    params = ParamsField(read_only=True)
    timings = serializers.SerializerMethodField(
        help_text="null while it is written, and of what was not written here."
    )
    begun_tokens = serializers.SerializerMethodField(
        help_text="Of another reply, that it begins with; null where it goes on from a bare text."
    )
    has_trace = serializers.BooleanField(
        read_only=True, help_text="Whether `/api/messages/{id}/trace` has its tokens."
    )

    class Meta:
        model = Generation
        fields = [
            "id",
            "status",
            "finish_reason",
            "error_code",
            "context_trimmed",
            "model",
            "params",
            "prompt_tokens",
            "completion_tokens",
            "begun_tokens",
            "timings",
            "has_trace",
        ]
        read_only_fields = fields

    def get_begun_tokens(self, generation: Generation) -> int | None:
        is_from_text = generation.continues_id is not None and not generation.begun_tokens
        return None if is_from_text else generation.begun_tokens

    @extend_schema_field(TimingsOutput(allow_null=True))
    def get_timings(self, generation: Generation) -> dict[str, float | None] | None:
        if generation.started_at is None or generation.finished_at is None:
            return None
        return timings(generation)


@shape_example(examples.FEEDBACK)
class FeedbackOutput(serializers.ModelSerializer[Feedback]):
    rating = serializers.ChoiceField(choices=Rating.values)

    class Meta:
        model = Feedback
        fields = ["rating", "comment"]
        read_only_fields = fields


class NoticeOutput(serializers.Serializer[Any]):
    """What a safety rule tells the reader."""

    category = serializers.ChoiceField(choices=Category.values)
    text = serializers.CharField()


class MessageOutput(serializers.ModelSerializer[Message]):
    """Rows come through `chat.opinions`."""

    role = serializers.ChoiceField(choices=Role.values)
    content = serializers.CharField(
        source="shown_content", allow_blank=True, help_text="Empty where it is hidden."
    )
    parent = serializers.IntegerField(  # type: ignore[assignment]
        source="parent_id", allow_null=True
    )
    generation = GenerationBrief(allow_null=True, default=None)
    notice = NoticeOutput(
        source="generation.notice",
        allow_null=True,
        default=None,
        help_text="Of the safety rule whose text stands in the place of the reply.",
    )
    feedback = FeedbackOutput(
        source="own_feedback", allow_null=True, default=None, help_text="What the reader thinks."
    )
    is_reported = serializers.BooleanField(help_text="By the reader.")
    is_hidden = serializers.BooleanField(help_text="By a moderator: its text is not shown.")

    class Meta:
        model = Message
        fields = [
            "id",
            "role",
            "content",
            "created_at",
            "parent",
            "generation",
            "notice",
            "feedback",
            "is_reported",
            "is_hidden",
        ]
        read_only_fields = fields


class SiblingsOutput(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="From 1, in the order they were written.")
    count = serializers.IntegerField()
    previous = serializers.IntegerField(allow_null=True)
    next = serializers.IntegerField(allow_null=True)


class BranchMessageOutput(MessageOutput):
    siblings = SiblingsOutput(
        required=False, help_text="Only in pages: which of the answers to its parent this is."
    )

    class Meta(MessageOutput.Meta):
        fields = [*MessageOutput.Meta.fields, "siblings"]
        read_only_fields = MessageOutput.Meta.fields


class ConversationDetailQuery(StrictSerializer):
    limit = serializers.IntegerField(
        min_value=1,
        max_value=MESSAGES_PAGE_MAX,
        required=False,
        help_text="Only the newest messages of the shown branch, and `siblings` with them.",
    )
    before = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="Only those above this message."
    )


@shape_example(examples.DETAIL)
class ConversationDetailOutput(ConversationOutput):
    head = serializers.IntegerField(source="head_id", allow_null=True)
    messages = BranchMessageOutput(many=True)

    class Meta(ConversationOutput.Meta):
        fields = [*ConversationOutput.Meta.fields, "head", "messages"]
        read_only_fields = fields


@shape_example(examples.GENERATION)
class GenerationOutput(serializers.ModelSerializer[Generation]):
    """The state of a generation, without its text."""

    message = serializers.IntegerField(source="message_id", allow_null=True, read_only=True)
    conversation = serializers.IntegerField(
        source="conversation_id", allow_null=True, read_only=True
    )

    class Meta:
        model = Generation
        fields = [
            "id",
            "status",
            "finish_reason",
            "error_code",
            "conversation",
            "message",
            "model",
            "attempt",
            "prompt_tokens",
            "completion_tokens",
            "context_trimmed",
            "queued_at",
            "started_at",
            "first_token_at",
            "finished_at",
        ]
        read_only_fields = fields
