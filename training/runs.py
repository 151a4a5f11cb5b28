"""Reading models back: from a run's folder or from a checkpoint's."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from inference import checkpoint_io
from inference.model.config import ConfigError as ShapeError
from inference.model.config import GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.config import ConfigError, RunConfig, read_config
from training.smalltalk import DataError


def model_shape(config: RunConfig, tokenizer: Tokenizer) -> GPTConfig:
    """The shape that a run's [model] table and its tokenizer give."""
    try:
        return GPTConfig(**{"vocab_size": tokenizer.vocab_size, **config.model})  # type: ignore[arg-type]
    except (TypeError, ShapeError) as error:
        raise ConfigError(f"[model]: {error}") from error


def load_any(folder: Path, root: Path) -> tuple[GPT, Path]:
    """Give the model in `folder` and its tokenizer's file; paths in a run are below `root`."""
    if (folder / checkpoint_io.MANIFEST).is_file():
        checkpoint = checkpoint_io.verify(folder)
        return checkpoint_io.load_model(checkpoint), folder / checkpoint_io.TOKENIZER
    weights = folder / "best.safetensors"
    if not weights.is_file():
        raise DataError(f"{folder} is neither a checkpoint nor a run with best.safetensors")
    config = read_config(folder / "config.toml", root)
    tokenizer_file = Path(config.tokenizer)
    model = GPT(model_shape(config, Tokenizer.from_file(tokenizer_file)))
    model.load_state_dict(load_file(weights))
    return model.eval(), tokenizer_file
