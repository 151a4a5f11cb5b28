"""Say that a reply is good, bad, or nothing that should be there."""

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from chat.access import message_for_user, readable_message_for_user
from chat.errors import Invalid, NotFound
from chat.models import Feedback, Message, Rating, Report, ReportReason, ReportState, Role


def feedback_set(*, user: User, message_id: int, rating: Rating, comment: str = "") -> Feedback:
    """Rate a reply, or rate it anew. Raises NotFound, and Invalid for what is no reply."""
    values = {"rating": rating, "comment": comment, "updated_at": timezone.now()}
    try:
        feedback, _ = Feedback.objects.update_or_create(
            message=_reply(user, message_id), user=user, defaults=values
        )
    except IntegrityError:  # deleted at this moment
        raise NotFound from None
    return feedback


def feedback_delete(*, user: User, message_id: int) -> None:
    """Take a rating back; without one nothing happens. Raises NotFound."""
    message = message_for_user(user=user, message_id=message_id)
    Feedback.objects.filter(message=message, user=user).delete()


def report_make(
    *, user: User, message_id: int, reason: ReportReason, comment: str = ""
) -> tuple[Report, bool]:
    """Report a reply; the report, and whether it is the first one. Raises NotFound and Invalid.

    What was reported before is open again: the reporter has more to say.
    """
    message = _reply(user, message_id)
    values = {
        "reason": reason,
        "comment": comment,
        "text": message.content,
        "state": ReportState.OPEN,
        "updated_at": timezone.now(),
    }
    try:
        return Report.objects.update_or_create(message=message, reporter=user, defaults=values)
    except IntegrityError:  # deleted at this moment
        raise NotFound from None


def _reply(user: User, message_id: int) -> Message:
    message = readable_message_for_user(user=user, message_id=message_id)
    if message.role != Role.ASSISTANT:
        raise Invalid("Only a reply can be rated or reported.")
    return message
