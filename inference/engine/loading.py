"""From a verified checkpoint to an engine that is ready to serve."""

from __future__ import annotations

import ctypes
from typing import Literal

import torch
from numba.core.dispatcher import Dispatcher

from inference.chat_template import Turn, encode_conversation
from inference.checkpoint_io import Checkpoint, load_model
from inference.engine import kernels, row_kernels
from inference.engine import precision as precisions
from inference.engine.config import EngineConfig, Precision
from inference.engine.cores import use_cores
from inference.engine.engine import Engine
from inference.engine.fold import fold
from inference.engine.network import Network
from inference.engine.params import SamplingParams
from inference.tokenizer import Tokenizer

# What the precisions are compared on: the kind of text that is served.
_SAMPLE = (
    Turn("user", "Hi! My name is Mira and I have a little dog."),
    Turn("assistant", "Nice to meet you, Mira! What is your dog's name?"),
    Turn("user", "He is called Bruno. What can you tell me about the moon?"),
    Turn("assistant", "The moon goes around the earth in about a month. It shines at night."),
    Turn("user", "Thank you. I feel a bit sad today, can you tell me a short story?"),
    Turn("assistant", "Of course. Once upon a time there was a small bird who could not sing."),
)


def load_engine(
    checkpoint: Checkpoint,
    *,
    slots: int,
    threads: int,
    precision: Precision | Literal["auto"],
    kept_contexts: int | None = None,
    before: Precision | None = None,
) -> Engine:
    """Load the weights, choose the precision, set the threads (0: all cores), write one reply.

    `kept_contexts` is by default as many as there are slots. `before`: the precision of an engine
    that serves in this process.
    """
    threads = threads or torch.get_num_threads()
    use_cores(threads)
    tokenizer = checkpoint.tokenizer()
    folded = fold(load_model(checkpoint))
    if precision == "auto":
        network = precisions.choose(folded, _sample(tokenizer), before)
    else:
        network = Network(folded, precision)
    del folded
    return_memory()
    kept = slots if kept_contexts is None else kept_contexts
    engine = Engine(network, tokenizer, EngineConfig(slots, kept, threads=threads))
    _warm_up(engine)
    return engine


def compiled_here() -> bool:
    """Whether this process has compiled loops that later ones will load from numba's cache.

    What is compiled and what is loaded differ in the last bits of sums (fastmath), and so, after
    a few dozen tokens, in words: processes that must agree have to load all of them.
    """
    loops = [loop for module in (kernels, row_kernels) for loop in vars(module).values()]
    return any(isinstance(loop, Dispatcher) and loop.stats.cache_misses for loop in loops)


def return_memory() -> None:
    """Give the system what loading no longer needs, 240 MB: glibc alone would keep it for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _sample(tokenizer: Tokenizer) -> list[int]:
    return encode_conversation(tokenizer, _SAMPLE)[0]


def _warm_up(engine: Engine) -> None:
    """Write a reply: compiles the loops or loads them, so that no user waits for that.

    Raises RuntimeError when even that fails.
    """
    engine.warm_up()
    prompt = [engine.tokenizer.user_id, engine.tokenizer.assistant_id]
    engine.submit("warm-up", prompt, SamplingParams(max_tokens=4, min_tokens=4, seed=0))
    while not engine.is_idle:
        for output in engine.step():
            if output.error:
                raise RuntimeError(f"the first reply failed: {output.error}")
