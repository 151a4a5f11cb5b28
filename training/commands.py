"""What each subcommand takes and does; the work itself is in the other modules."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from typing import Protocol

from inference.tokenizer import Tokenizer


class Command(Protocol):
    @staticmethod
    def arguments(parser: ArgumentParser) -> None: ...

    @staticmethod
    def run(args: Namespace) -> None: ...


class TokenizerCommand:
    """make tokenizer.json (and, with a teacher, start values for the embeddings)"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, help="folder to write to")
        parser.add_argument("--config", type=Path, required=True, help="run whose sources to read")
        parser.add_argument("--root", type=Path, default=Path())
        parser.add_argument("--teacher", type=Path, help="folder written by `teacher`")
        parser.add_argument("--vocab-size", type=int, default=16_387)
        parser.add_argument("--width", type=int, default=512)

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.texts import sample_texts
        from training.tokenizer import read_merges, select_bpe, train_bpe

        texts = sample_texts(read_config(args.config, args.root))
        print(f"{len(texts)} texts")
        args.out.mkdir(parents=True, exist_ok=True)
        path = args.out / "tokenizer.json"
        if args.teacher is None:
            train_bpe(texts, args.vocab_size).save(str(path))
            return
        from training.teacher import write_init

        select_bpe(texts, read_merges(args.teacher / "merges.json"), args.vocab_size).save(
            str(path)
        )
        tokenizer = Tokenizer.from_file(path)
        counts = Counter(i for ids in tokenizer.encode_batch(texts) for i in ids)
        counts[tokenizer.user_id] = counts[tokenizer.assistant_id] = len(texts) // 2
        counts[tokenizer.end_id] = len(texts) // 2
        shutil.move(write_init(args.teacher, tokenizer, counts, args.width), args.out)


class TeacherCommand:
    """read merges and embeddings out of a teacher's GGUF file"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("gguf", type=Path)
        parser.add_argument("out", type=Path)

    @staticmethod
    def run(args: Namespace) -> None:
        from training.teacher import read_gguf

        read_gguf(args.gguf, args.out)


class TrainCommand:
    """pre-train or fine-tune as a TOML file says; run it again to resume"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("config", type=Path)
        parser.add_argument("--root", type=Path, default=Path(), help="base of the paths in it")
        parser.add_argument("--runs", type=Path, default=Path("training/runs"))

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.trainer import Trainer

        config = read_config(args.config, args.root)
        folder = args.runs / config.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(args.config, folder / "config.toml")
        print("best weights:", Trainer(config, folder).fit())


COMMANDS: dict[str, type[Command]] = {
    "teacher": TeacherCommand,
    "tokenizer": TokenizerCommand,
    "train": TrainCommand,
}
