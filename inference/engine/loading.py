"""From a verified checkpoint to an engine that is ready to serve."""

from __future__ import annotations

import torch

from inference.checkpoint_io import Checkpoint, load_model
from inference.engine.engine import Engine, EngineConfig
from inference.engine.params import SamplingParams

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load_engine(checkpoint: Checkpoint, *, slots: int, threads: int, precision: str) -> Engine:
    """Load the weights, set torch's threads (0: as many as cores) and run one warm-up reply."""
    if threads:
        torch.set_num_threads(threads)
    model = load_model(checkpoint).to(_DTYPES[precision])
    tokenizer = checkpoint.tokenizer()
    engine = Engine(model, tokenizer, EngineConfig(slots=slots))
    _warm_up(engine)
    return engine


def _warm_up(engine: Engine) -> None:
    """The first products of each shape build kernels; no user shall wait for that."""
    prompt = [engine.tokenizer.user_id, engine.tokenizer.assistant_id]
    engine.submit("warm-up", prompt, SamplingParams(max_tokens=4, min_tokens=4, seed=0))
    while not engine.is_idle:
        engine.step()
