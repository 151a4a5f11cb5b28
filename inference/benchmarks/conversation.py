"""What a second turn costs when the engine may reuse the first, and when it may not.

Turns run one at a time: it is the prefill that is compared, not the queue in front of it.
"""

from __future__ import annotations

import time

from inference.benchmarks.workload import Workload
from inference.engine.engine import Engine
from inference.engine.params import SamplingParams

_SECOND_REPLY_TOKENS = 2


def second_turns(
    engine: Engine, workload: Workload, others: list[list[int]], follow_up: list[int]
) -> dict[str, list[float]]:
    """Hold as many conversations as the workload has streams; give TTFT in ms of second turns.

    `continued`: the prompt is the first turn, its reply and `follow_up`. `fresh`: a prompt of the
    same length whose first turn (from `others`) the engine has not seen.
    """
    ttft: dict[str, list[float]] = {"continued": [], "fresh": []}
    prompts = [turns[0] for turns in workload.prompts]
    replies = [
        _reply(engine, f"first-{i}", prompt, workload, workload.new_tokens)[1]
        for i, prompt in enumerate(prompts)
    ]
    for i, (prompt, other, reply) in enumerate(zip(prompts, others, replies, strict=True)):
        for kind, history in (("continued", prompt), ("fresh", other)):
            ids = [*history, *reply, engine.tokenizer.end_id, *follow_up]
            wait, _ = _reply(engine, f"{kind}-{i}", ids, workload, _SECOND_REPLY_TOKENS)
            ttft[kind].append(wait)
    return ttft


def _reply(
    engine: Engine, request_id: str, prompt: list[int], workload: Workload, tokens: int
) -> tuple[float, list[int]]:
    """Run one request alone; returns its TTFT in ms and its ids."""
    params = SamplingParams(
        temperature=workload.temperature, top_k=workload.top_k, seed=workload.seed,
        max_tokens=tokens, min_tokens=tokens,
    )  # fmt: skip
    ids: list[int] = []
    start = time.perf_counter()
    engine.submit(request_id, prompt, params)
    wait = 0.0
    while not engine.is_idle:
        for output in engine.step():
            if not ids:
                wait = time.perf_counter() - start
            ids += output.token_ids
    return 1000 * wait, ids
