"""Text to token ids and back, for one checkpoint's `tokenizer.json`.

Owns the special tokens, the blanks that a template puts around a text, and the id → bytes table;
knows no torch and nothing of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer as HFTokenizer
from tokenizers import decoders, models, pre_tokenizers

from inference.model.config import MAX_VOCAB

USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL_TOKENS = (USER, ASSISTANT, END)


class TokenizerError(ValueError):
    """A tokenizer file that cannot be read or lacks what the chat template needs."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a model was trained to see around a text, besides the role marks."""

    name: str
    end: str  # the mark after a reply
    user: tuple[str, str] = ("", "")  # before and after a user's text
    assistant: tuple[str, str] = ("", "")  # before and after a reply, within its marks


# A tokenizer tells its template by its end mark: the first that it has counts. So the template
# is covered by the hash of `tokenizer.json`, and whoever can read text can build a prompt.
EUGPT = Template("eugpt", END)
SLM = Template("slm", "<|eos|>", user=(" ", "\n"), assistant=(" ", " "))


class Tokenizer:
    """Byte-level BPE. Ordinary text never becomes a special token, whatever it contains."""

    def __init__(self, hf: HFTokenizer) -> None:
        _refuse_other_kinds(hf)
        added = hf.get_added_tokens_decoder().items()
        # A mark that swallows the blanks beside it was trained with another template.
        special = {t.content: i for i, t in added if t.special and not (t.lstrip or t.rstrip)}
        self.template = SLM if END not in special and SLM.end in special else EUGPT
        marks = (USER, ASSISTANT, self.template.end)
        if missing := [mark for mark in marks if mark not in special]:
            raise TokenizerError(f"tokenizer lacks the special tokens {', '.join(missing)}")
        # True means: "<|user|>" in a text is encoded as the letters it is made of.
        hf.encode_special_tokens = True
        # A file may carry both from the program that trained it; they would change a prompt.
        hf.no_truncation()
        hf.no_padding()
        self._hf = hf
        self.user_id, self.assistant_id, self.end_id = (special[mark] for mark in marks)
        if self.vocab_size > MAX_VOCAB:
            raise TokenizerError(f"more than {MAX_VOCAB:,} ids")
        # The bytes of every id, in id order; empty for special tokens.
        self.token_bytes = self._all_bytes()

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """Read a Hugging Face `tokenizer.json`; raises `TokenizerError`."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TokenizerError(f"{path.name} cannot be read: {error}") from error
        return cls.from_bytes(content)

    @classmethod
    def from_bytes(cls, content: bytes) -> Tokenizer:
        """Read what stands in a `tokenizer.json`; raises `TokenizerError`."""
        try:
            return cls(HFTokenizer.from_buffer(content))
        except TokenizerError:
            raise
        except Exception as error:  # the library raises bare Exception for bad content
            raise TokenizerError(f"this is not a tokenizer: {error}") from error

    @property
    def vocab_size(self) -> int:
        return self._hf.get_vocab_size()

    def token(self, token_id: int) -> str:
        """Give the token as the vocabulary spells it (bytes in GPT-2's printable alphabet)."""
        token = self._hf.id_to_token(token_id)
        if token is None:
            raise TokenizerError(f"id {token_id} has no token")
        return token

    def text(self, token_id: int) -> str:
        """Give the token by itself, for people: a part of a character (and NUL, which no database
        takes) is U+FFFD, a mark its name.
        """
        raw = self.token_bytes[token_id]
        if not raw:
            return self.token(token_id)
        return raw.decode("utf-8", errors="replace").replace("\x00", "\ufffd")

    def encode(self, text: str) -> list[int]:
        return self._hf.encode(text, add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        return [e.ids for e in self._hf.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """Decode as a whole; special tokens give no text, broken UTF-8 gives U+FFFD."""
        return b"".join(self.token_bytes[i] for i in ids).decode("utf-8", errors="replace")

    def _all_bytes(self) -> list[bytes]:
        byte_of = {char: byte for byte, char in _byte_to_unicode().items()}
        added = self._hf.get_added_tokens_decoder()
        table = []
        for i in range(self.vocab_size):
            token = self.token(i)
            if i in added:
                table.append(b"" if added[i].special else token.encode())
            elif all(char in byte_of for char in token):
                table.append(bytes(byte_of[char] for char in token))
            else:
                raise TokenizerError(f"token {i} ({token!r}) is not written in byte-level letters")
        return table


def _refuse_other_kinds(hf: HFTokenizer) -> None:
    """Raise `TokenizerError` unless each token stands for the bytes that its letters spell."""
    model, splitter = hf.model, hf.pre_tokenizer
    steps = [splitter]
    if isinstance(splitter, pre_tokenizers.Sequence):
        steps = list(splitter)  # type: ignore[call-overload]  # iterable, but not in its stub
    if not isinstance(model, models.BPE) or model.byte_fallback or model.dropout:
        raise TokenizerError("the tokenizer's model is not a plain BPE")
    if model.continuing_subword_prefix or model.end_of_word_suffix:
        raise TokenizerError("tokens with a subword prefix or suffix are not byte-level BPE")
    if hf.normalizer is not None:
        raise TokenizerError("a tokenizer that changes the text first is not byte-level BPE")
    # Others take patterns of the file's own, whose time may grow with any power of a text's length.
    if not all(
        isinstance(step, pre_tokenizers.Digits | pre_tokenizers.ByteLevel) for step in steps
    ):
        raise TokenizerError("the tokenizer's pre-tokenizers are others than byte-level and digits")
    if not isinstance(steps[-1], pre_tokenizers.ByteLevel):
        raise TokenizerError("the tokenizer's pre-tokenizer is not byte-level")
    if not isinstance(hf.decoder, decoders.ByteLevel):
        raise TokenizerError("the tokenizer's decoder is not byte-level")


def _byte_to_unicode() -> dict[int, str]:
    """GPT-2's printable stand-ins for the 256 bytes (Radford et al. 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in printable}
    for shift, byte in enumerate(b for b in range(256) if b not in table):
        table[byte] = chr(256 + shift)
    return table
