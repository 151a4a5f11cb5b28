"""A tiny random checkpoint with every part a real one has; made in well under a second."""

from pathlib import Path

import torch

from inference import checkpoint_io
from inference.model.config import GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.tokenizer import train_bpe

VOCAB_SIZE = 400
TEXTS = [
    "hello there, how are you today?",
    "My name is Ana. What is my name?",
    "I feel sad, é ü 🙂.",
]


def build_tiny_checkpoint(folder: Path, *, context_length: int = 384, seed: int = 1) -> Path:
    """Write a 2-layer, 32-wide checkpoint with random weights to `folder`."""
    torch.manual_seed(seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    tokenizer_file = folder.parent / f"{folder.name}-tokenizer.json"
    train_bpe(TEXTS * 3, VOCAB_SIZE, show_progress=False).save(str(tokenizer_file))
    vocab_size = Tokenizer.from_file(tokenizer_file).vocab_size
    model = GPT(GPTConfig(vocab_size, context_length, n_layer=2, n_head=2, n_embd=32))
    with torch.no_grad():
        # Start values this small give nearly flat logits; a trained model's are not flat.
        model.head.weight.mul_(20)
    checkpoint_io.write(folder, model, tokenizer_file, "A random model for tests.\n", {"steps": 0})
    tokenizer_file.unlink()
    return folder
