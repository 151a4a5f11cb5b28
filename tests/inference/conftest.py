"""A tiny checkpoint shared by the tests of this folder."""

from pathlib import Path

import pytest

from inference import checkpoint_io
from inference.checkpoint_io import Checkpoint
from inference.engine.config import EngineConfig
from inference.engine.engine import Engine
from inference.engine.fold import fold
from inference.engine.network import Network
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from tests.support.tiny_model import build_tiny_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return checkpoint_io.verify(build_tiny_checkpoint(folder, context_length=96))


@pytest.fixture(scope="session")
def model(checkpoint: Checkpoint) -> GPT:
    return checkpoint_io.load_model(checkpoint)


@pytest.fixture(scope="session")
def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return checkpoint.tokenizer()


@pytest.fixture(scope="session", params=["fp32", "int8"])
def network(model: GPT, request: pytest.FixtureRequest) -> Network:
    return Network(fold(model), request.param)


@pytest.fixture
def engine(network: Network, tokenizer: Tokenizer) -> Engine:
    return Engine(network, tokenizer, EngineConfig(slots=4, queue_limit=16))


@pytest.fixture
def copy_of(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """A checkpoint folder that a test may damage."""
    return build_tiny_checkpoint(tmp_path / "tiny", context_length=96)
