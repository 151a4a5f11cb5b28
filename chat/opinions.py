"""What a reader has said of replies, read together with the messages: no query more."""

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet

from chat.models import Message, Report


def with_opinions(messages: QuerySet[Message], *, user_id: int) -> QuerySet[Message]:
    """The same messages with `own_feedback` (absent where there is none) and `is_reported`."""
    own = FilteredRelation("feedbacks", condition=Q(feedbacks__user=user_id))
    reported = Report.objects.filter(message=OuterRef("pk"), reporter=user_id)
    rows = messages.annotate(own_feedback=own, is_reported=Exists(reported))
    # The plugin of mypy knows fields only.
    return rows.select_related("own_feedback")  # type: ignore[misc]
