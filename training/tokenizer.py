"""Making the byte-level BPE of a checkpoint: exactly `vocab_size` ids, the last three special.

Two ways: learn the merges from text, or select the ones that the text uses most out of a
larger tokenizer's merge list. The second makes every one of our tokens a token of the larger
model too, so that its embeddings (and, later, its distributions) can be used.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from inference.tokenizer import SPECIAL_TOKENS, _byte_to_unicode


def train_bpe(texts: Iterable[str], vocab_size: int, *, show_progress: bool = True) -> Tokenizer:
    """Learn merges from `texts`."""
    tokenizer = _empty(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=show_progress,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _with_specials(tokenizer)


def select_bpe(
    texts: Iterable[str], merges: Sequence[tuple[str, str]], vocab_size: int
) -> Tokenizer:
    """Keep of `merges` (in order) those whose tokens `texts` use most, closed under merging."""
    alphabet = sorted(_byte_to_unicode().values())
    whole = _empty(_bpe(alphabet, merges))
    counts: Counter[str] = Counter()
    for encoding in whole.encode_batch(list(texts)):
        counts.update(encoding.tokens)
    parents = {left + right: (left, right) for left, right in reversed(merges)}
    wanted: set[str] = set()
    room = vocab_size - len(SPECIAL_TOKENS) - len(alphabet)
    for token, _ in counts.most_common():
        need = _ancestors(token, parents) - wanted
        if len(wanted) + len(need) <= room:
            wanted |= need
        if len(wanted) == room:
            break
    kept = [(a, b) for a, b in merges if a + b in wanted and parents[a + b] == (a, b)]
    return _with_specials(_empty(_bpe(alphabet, kept)))


def _ancestors(token: str, parents: dict[str, tuple[str, str]]) -> set[str]:
    """The token and every merged piece it is built from."""
    if token not in parents:
        return set()
    left, right = parents[token]
    return {token} | _ancestors(left, parents) | _ancestors(right, parents)


def _bpe(alphabet: Sequence[str], merges: Sequence[tuple[str, str]]) -> models.BPE:
    tokens = dict.fromkeys([*alphabet, *(a + b for a, b in merges)])
    return models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=list(merges))


def _empty(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        # Single digits: a small model learns to count and spell numbers more easily.
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _with_specials(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in SPECIAL_TOKENS])
    return tokenizer


def read_merges(path: Path) -> list[tuple[str, str]]:
    """Read the merge list that `training.teacher` wrote."""
    return [tuple(m.split(" ")) for m in json.loads(path.read_text(encoding="utf-8"))["merges"]]
