"""The signed-in user's own account."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import UserOutput, UserUpdateInput
from accounts.errors import RateLimited, UsernameTaken
from accounts.limits import limit_hit
from accounts.rest import error_responses, request_user
from accounts.services import user_update

TAGS = ["auth"]


class MeView(APIView):
    @extend_schema(responses=UserOutput, operation_id="me", tags=TAGS)
    def get(self, request: Request) -> Response:
        """The signed-in user."""
        return Response(UserOutput(request_user(request)).data)

    @extend_schema(
        request=UserUpdateInput,
        responses={200: UserOutput, **error_responses(UsernameTaken, RateLimited)},
        operation_id="me_update",
        tags=TAGS,
    )
    def patch(self, request: Request) -> Response:
        """Change the name or the settings; what is not named stays."""
        user = request_user(request)
        data = UserUpdateInput(data=request.data)
        data.is_valid(raise_exception=True)
        if "username" in data.validated_data:  # it tells which names are taken
            limit_hit(name="rename", key=f"u:{user.pk}")
        return Response(UserOutput(user_update(user=user, **data.validated_data)).data)
