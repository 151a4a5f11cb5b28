"""The parts of a step that `bench_engine --profile` shows add up to the step."""

import pytest

from inference.benchmarks.step_profile import PARTS, profile
from inference.checkpoint_io import Checkpoint


def test_profile_parts_add_up(checkpoint: Checkpoint) -> None:
    told = profile(checkpoint.folder, precision="fp32", streams=[1, 3], threads=1, prompt_tokens=12)
    first, _, header, *lines = told.splitlines()
    assert first == "fp32, 1 threads"
    assert header.split("  ")[-1].strip() == PARTS[-1]
    cells = [[float(cell.replace(",", "")) for cell in line.split()] for line in lines]
    assert [row[0] for row in cells] == [1, 3]
    for _, step, pace, *parts in cells:
        assert pace > 0
        assert len(parts) == len(PARTS)
        assert sum(parts) == pytest.approx(step, abs=0.06)
        assert min(parts) >= 0
