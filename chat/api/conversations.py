"""Conversation routes. Each view parses, calls one service or selector and shapes the answer."""

from typing import Any
from urllib.parse import urlencode

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import error_responses, request_user
from chat.access import conversation_for_user
from chat.api.serializers import (
    MESSAGES_PAGE_MAX,
    MESSAGES_WHOLE_MAX,
    ConversationCreateInput,
    ConversationDetailOutput,
    ConversationDetailQuery,
    ConversationListOutput,
    ConversationListQuery,
    ConversationOutput,
    ConversationUpdateInput,
    FoundOutput,
    MessageOutput,
    SiblingsOutput,
)
from chat.models import Conversation
from chat.selectors import conversation_list, conversation_messages
from chat.services.conversations import (
    conversation_create,
    conversation_delete,
    conversation_update,
)
from chat.tree import branch_page

TAGS = ["conversations"]
LINK_HEADER = OpenApiParameter(
    "Link",
    location=OpenApiParameter.HEADER,
    response=[200],
    description='The next page, as `<address>; rel="next"`; absent on the last one.',
)


def _next_link(request: Request, **changed: Any) -> str:
    """A `Link` value relative to the host, so that proxies cannot make it wrong."""
    params = {**request.query_params.dict(), **changed}
    return f'<{request.path}?{urlencode(params)}>; rel="next"'


def _detail(conversation: Conversation, messages: Any) -> dict[str, Any]:
    head = {"head": conversation.head_id, "messages": messages}
    return ConversationOutput(conversation).data | head


def conversation_detail(conversation: Conversation) -> dict[str, Any]:
    """All that there is of it, or the newest page of its shown branch where it is very long."""
    whole = conversation_messages(conversation=conversation, limit=MESSAGES_WHOLE_MAX)
    if whole is None:
        page = branch_page(conversation=conversation, limit=MESSAGES_PAGE_MAX)
        whole = [item.message for item in page.items]
    return _detail(conversation, MessageOutput(whole, many=True).data)


class ConversationsView(APIView):
    @extend_schema(
        parameters=[ConversationListQuery, LINK_HEADER],
        responses={200: ConversationListOutput(many=True), **error_responses(400, 401, 403)},
        operation_id="conversations_list",
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The user's conversations: pinned ones first, then most recently changed first."""
        query = ConversationListQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page = conversation_list(user=request_user(request), **query.validated_data)
        rows = [dict(row) for row in ConversationOutput(page.items, many=True).data]
        if page.found is not None:
            found = FoundOutput(page.found, many=True).data
            rows = [row | more for row, more in zip(rows, found, strict=True)]
        response = Response(rows)
        if page.next_cursor is not None:
            response["Link"] = _next_link(request, cursor=page.next_cursor)
        return response

    @extend_schema(
        request=ConversationCreateInput,
        responses={201: ConversationOutput, **error_responses(400, 401, 403)},
        operation_id="conversations_create",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Start an empty conversation."""
        data = ConversationCreateInput(data=request.data)
        data.is_valid(raise_exception=True)
        conversation = conversation_create(user=request_user(request), **data.validated_data)
        return Response(ConversationOutput(conversation).data, status=status.HTTP_201_CREATED)


class ConversationView(APIView):
    @extend_schema(
        parameters=[ConversationDetailQuery, LINK_HEADER],
        responses={200: ConversationDetailOutput, **error_responses(400, 401, 403, 404)},
        operation_id="conversations_retrieve",
        tags=TAGS,
    )
    def get(self, request: Request, conversation_id: int) -> Response:
        """A conversation with all its messages (`parent` makes them a tree), or, with `limit` or
        where it has more than 2000, with the newest of the shown branch; `Link` has older ones.
        """
        conversation = conversation_for_user(
            user=request_user(request), conversation_id=conversation_id
        )
        query = ConversationDetailQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        paging = query.validated_data
        if not paging:
            whole = conversation_messages(conversation=conversation, limit=MESSAGES_WHOLE_MAX)
            if whole is not None:
                return Response(_detail(conversation, MessageOutput(whole, many=True).data))
        paging.setdefault("limit", MESSAGES_PAGE_MAX)
        page = branch_page(conversation=conversation, **paging)
        messages = MessageOutput([item.message for item in page.items], many=True).data
        siblings = SiblingsOutput([item.siblings for item in page.items], many=True).data
        rows = [m | {"siblings": s} for m, s in zip(messages, siblings, strict=True)]
        response = Response(_detail(conversation, rows))
        if page.before is not None:
            response["Link"] = _next_link(request, limit=paging["limit"], before=page.before)
        return response

    @extend_schema(
        request=ConversationUpdateInput,
        responses={200: ConversationOutput, **error_responses(400, 401, 403, 404)},
        operation_id="conversations_update",
        tags=TAGS,
    )
    def patch(self, request: Request, conversation_id: int) -> Response:
        """Rename, pin, archive, or show another branch."""
        conversation = conversation_for_user(
            user=request_user(request), conversation_id=conversation_id
        )
        data = ConversationUpdateInput(data=request.data)
        data.is_valid(raise_exception=True)
        changed = conversation_update(conversation=conversation, changes=data.validated_data)
        return Response(ConversationOutput(changed).data)

    @extend_schema(
        responses={204: OpenApiResponse(description="Deleted."), **error_responses(401, 403, 404)},
        operation_id="conversations_delete",
        tags=TAGS,
    )
    def delete(self, request: Request, conversation_id: int) -> Response:
        """Delete with all messages."""
        conversation = conversation_for_user(
            user=request_user(request), conversation_id=conversation_id
        )
        conversation_delete(conversation=conversation)
        return Response(status=status.HTTP_204_NO_CONTENT)
