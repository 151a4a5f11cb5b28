"""Measures over sampled replies: do they keep to the topic, do they repeat, do they end."""

from __future__ import annotations

import torch
from torch import Tensor

from inference.chat_template import Turn
from training.evaluation.embedding import NotInstalled, SentenceEncoder
from training.evaluation.generate import Answer
from training.evaluation.probes import normalize
from training.evaluation.result import Failure, Measure, Row, share
from training.evaluation.subject import Subject

CHOICES = 10
_GRAM = 4


def topic(subject: Subject) -> Measure:
    """Is a reply nearer to its own context than to nine others? Also for the human's replies."""
    labels = ("topic: reply nearest to its own context of ten", "topic: the same, human replies")
    try:
        encoder = SentenceEncoder()
    except NotInstalled as error:
        note = f"not measured, needs: {error}"
        return Measure([Row(label, None, note=note) for label in labels])
    contexts = [_as_text(turns) for turns, _ in subject.contexts]
    places = encoder.encode(contexts)
    replies = [a.text for a in subject.context_replies]
    passed = nearest_is_own(places, encoder.encode(replies))
    human = nearest_is_own(places, encoder.encode([reply for _, reply in subject.contexts]))
    failures = [
        Failure(context, "nearer to this than to the nine others", reply)
        for ok, context, reply in zip(passed, contexts, replies, strict=True)
        if not ok
    ]
    note = f"{len(contexts)} contexts"
    rows = [
        Row(labels[0], share(passed), goal=">= 0.75", note=note),
        Row(labels[1], share(human), note=note),
    ]
    return Measure(rows, failures)


def nearest_is_own(contexts: Tensor, replies: Tensor) -> list[bool]:
    """For unit vectors (N, D): is reply i nearest to context i among i … i+9 (round the end)?"""
    near = replies @ contexts.T
    n = len(contexts)
    others = torch.arange(min(CHOICES, n))
    return [int(near[i, (i + others) % n].argmax()) == 0 for i in range(n)]


def repetition(subject: Subject) -> Measure:
    """Loops, length and endings of all sampled replies."""
    replies: list[Answer] = subject.context_replies + subject.conversation_answers
    repeats = [has_repeated_gram(r.text) for r in replies]
    words = [len(r.text.split()) for r in replies]
    failures = [
        Failure("sampled reply", "no repeated four words", r.text)
        for is_repeated, r in zip(repeats, replies, strict=True)
        if is_repeated
    ]
    note = f"{len(replies)} replies"
    mean = sum(words) / len(words) if words else None
    rows = [
        Row("replies with a repeated 4-gram", share(repeats), goal="< 0.02", note=note),
        Row("mean length in words", mean, "number", note=note),
        Row("replies that end within 120 tokens", share([r.is_ended for r in replies]), note=note),
    ]
    return Measure(rows, failures)


def has_repeated_gram(text: str) -> bool:
    """Whether any four words in a row occur twice."""
    words = normalize(text).split()
    grams = [tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1)]
    return len(set(grams)) < len(grams)


def _as_text(turns: list[Turn]) -> str:
    return " ".join(turn.content for turn in turns)
