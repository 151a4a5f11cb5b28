from pathlib import Path

import pytest

from inference.tokenizer import Tokenizer
from tests.support.tiny_model import TEXTS, VOCAB_SIZE
from training.tokenizer import train_bpe


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_bpe(TEXTS * 3, VOCAB_SIZE, show_progress=False).save(str(path))
    return path


@pytest.fixture(scope="session")
def tokenizer(tokenizer_file: Path) -> Tokenizer:
    return Tokenizer.from_file(tokenizer_file)
