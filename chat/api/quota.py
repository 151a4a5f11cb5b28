"""How much the asker may still ask."""

import math
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.rest import shape_example
from chat.api.guests import GuestView, guest_owner
from chat.generation.admission import quota_states
from chat.generation.owner import Owner

_LIMITS = [
    {"name": "prompts_per_minute", "limit": 60, "remaining": 58, "reset_s": 41, "window_s": 60},
    {"name": "prompts_per_day", "limit": 2000, "remaining": 1987, "reset_s": 5312,
     "window_s": 86400},
    {"name": "running", "limit": 8, "remaining": 8, "reset_s": 0, "window_s": 0},
]  # fmt: skip


class LimitOutput(serializers.Serializer[Any]):
    name = serializers.ChoiceField(["prompts_per_minute", "prompts_per_day", "running"])
    limit = serializers.IntegerField()
    remaining = serializers.IntegerField()
    reset_s = serializers.IntegerField(
        help_text="Seconds until the first of those used comes back; 0 where that is no matter of"
        " time, or none is used."
    )
    window_s = serializers.IntegerField(
        help_text="In how many seconds so many may be; the name tells the usual ones. 0: at a time."
    )


@shape_example({"role": "member", "is_limited": True, "limits": _LIMITS})
class QuotaOutput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(["guest", "member", "staff"])
    is_limited = serializers.BooleanField()
    limits = LimitOutput(many=True)


class QuotaView(GuestView):
    permission_classes = (AllowAny,)

    @extend_schema(responses=QuotaOutput, operation_id="quota", tags=["chat"])
    def get(self, request: Request) -> Response:
        """What is left to a member, or to a guest by cookie and address; asking costs nothing.

        A limit that is not there does not hold, for example the day's of the staff.
        """
        user = request.user
        owner = Owner.member(user) if isinstance(user, User) else guest_owner(request)
        states = quota_states(owner)
        limits = [
            {
                "name": name,
                "limit": state.limit,
                "remaining": state.remaining,
                "reset_s": math.ceil(state.reset_s),
                "window_s": state.window_s,
            }
            for name, state in states.items()
        ]
        body = {"role": owner.role, "is_limited": bool(states), "limits": limits}
        return Response(QuotaOutput(body).data, headers={"Cache-Control": "no-store"})
