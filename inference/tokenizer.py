"""Text to token ids and back, for one checkpoint's `tokenizer.json`.

Owns the special tokens and the id → bytes table; knows no torch and nothing of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer as HFTokenizer

USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL_TOKENS = (USER, ASSISTANT, END)


class TokenizerError(ValueError):
    """A tokenizer file that cannot be read or lacks what the chat template needs."""


class Tokenizer:
    """Byte-level BPE. Ordinary text never becomes a special token, whatever it contains."""

    def __init__(self, hf: HFTokenizer) -> None:
        ids = {token: hf.token_to_id(token) for token in SPECIAL_TOKENS}
        if missing := [token for token, i in ids.items() if i is None]:
            raise TokenizerError(f"tokenizer lacks {', '.join(missing)}")
        # True means: "<|user|>" in a text is encoded as the letters it is made of.
        hf.encode_special_tokens = True
        self._hf = hf
        self.user_id, self.assistant_id, self.end_id = (
            int(i) for i in ids.values() if i is not None
        )

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """Read a Hugging Face `tokenizer.json`; raises `TokenizerError`."""
        try:
            return cls(HFTokenizer.from_file(str(path)))
        except TokenizerError:
            raise
        except Exception as error:  # the library raises bare Exception for a bad file
            raise TokenizerError(f"{path.name} is not a tokenizer: {error}") from error

    @property
    def vocab_size(self) -> int:
        return self._hf.get_vocab_size()

    def token(self, token_id: int) -> str:
        """Give the token as the vocabulary spells it (bytes in GPT-2's printable alphabet)."""
        token = self._hf.id_to_token(token_id)
        if token is None:
            raise TokenizerError(f"id {token_id} has no token")
        return token

    def encode(self, text: str) -> list[int]:
        return self._hf.encode(text, add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        return [e.ids for e in self._hf.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """Decode as a whole; special tokens give no text, broken UTF-8 gives U+FFFD."""
        return b"".join(self.token_bytes[i] for i in ids).decode("utf-8", errors="replace")

    @cached_property
    def token_bytes(self) -> list[bytes]:
        """The bytes of every id, in id order; empty for special tokens."""
        unicode_to_byte = {char: byte for byte, char in _byte_to_unicode().items()}
        special = {self.user_id, self.assistant_id, self.end_id}
        return [
            b"" if i in special else bytes(unicode_to_byte[c] for c in self.token(i))
            for i in range(self.vocab_size)
        ]


def _byte_to_unicode() -> dict[int, str]:
    """GPT-2's printable stand-ins for the 256 bytes (Radford et al. 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in printable}
    for shift, byte in enumerate(b for b in range(256) if b not in table):
        table[byte] = chr(256 + shift)
    return table
