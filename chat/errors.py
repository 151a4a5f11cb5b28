"""Errors of conversations and generations; `accounts.errors` translates them for clients."""

from typing import ClassVar

from rest_framework import status

from accounts.errors import (
    ApiError,
    Invalid,
    NotAuthenticated,
    NotFound,
    QuotaExceeded,
    RateLimited,
    Suspended,
    Unavailable,
)

__all__ = [
    "ApiError",
    "BadParams",
    "CannotContinue",
    "GenerationRunning",
    "Invalid",
    "ModelNotFound",
    "ModelUnavailable",
    "NoTrace",
    "NotAuthenticated",
    "NotFound",
    "PromptTooLong",
    "QueueFull",
    "QuotaExceeded",
    "RateLimited",
    "Refused",
    "Suspended",
    "TooManyReplies",
    "TooManyShares",
    "Unavailable",
]


class QueueFull(ApiError):
    """Raise with `retry_after`, in whole seconds."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "EuGPT is busy. Try again in a moment."
    default_code = "queue_full"
    example: ClassVar = {"retry_after": 4}


class TooManyReplies(ApiError):
    """Too many of the owner's own wait or run. Raise with `retry_after`, in whole seconds."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Your other replies come first. Try again when one of them has ended."
    default_code = "too_many_replies"
    example: ClassVar = {"retry_after": 2}


class CannotContinue(ApiError):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "This reply cannot be continued."
    default_code = "cannot_continue"


class NoTrace(ApiError):
    """There are no recorded tokens to branch off from."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The tokens of this reply were not recorded."
    default_code = "no_trace"


class GenerationRunning(ApiError):
    """Raise with `generation`, the id of the one that runs."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "A reply is already being written in this conversation."
    default_code = "generation_running"
    example: ClassVar = {"generation": "0c9e0f2e-3a71-4c52-9df5-6d9f1a2f7b10"}


class PromptTooLong(ApiError):
    """Raise with `tokens` and `limit`."""

    default_detail = "This message is too long for the model."
    default_code = "prompt_too_long"
    example: ClassVar = {"tokens": 512, "limit": 368}


class Refused(ApiError):
    """A safety rule refuses the prompt. Raise with `category` and `notice`, a text for people;
    with `earlier` where a message before it is meant, which would hold back all that follow.
    """

    default_detail = "This message cannot be answered here."
    default_code = "refused"
    example: ClassVar = {"category": "private", "notice": "Please leave out the card number."}


class BadParams(ApiError):
    """Raise with `param` and `allowed`."""

    default_detail = "A sampling parameter is out of range."
    default_code = "bad_params"
    example: ClassVar = {"param": "top_k", "allowed": "an integer from 0 to 1000"}


class ModelNotFound(ApiError):
    """Raise with `param`."""

    status_code = status.HTTP_404_NOT_FOUND
    default_detail = "There is no such model here."
    default_code = "model_not_found"
    example: ClassVar = {"param": "model"}


class ModelUnavailable(ApiError):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "No model is loaded."
    default_code = "model_unavailable"
    example: ClassVar = {"retry_after": 10}


class TooManyShares(ApiError):
    """Raise with `limit`."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This conversation has as many shared copies as it may have."
    default_code = "too_many_shares"
    example: ClassVar = {"limit": 20}
