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


class ExportCommand:
    """write a run's best weights as a released checkpoint, with manifest and model card"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("run", type=Path, help="folder of the run")
        parser.add_argument("out", type=Path, help="folder to write, e.g. models/eugpt-36m")
        parser.add_argument("--root", type=Path, default=Path(), help="base of the config's paths")
        parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="runs before it")

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.export import export

        config = read_config(args.run / "config.toml", args.root)
        export(args.run, args.earlier, config, args.out)


class ChatCommand:
    """chat with a checkpoint in the terminal; --probes prints its answers to fixed questions"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("checkpoint", type=Path, help="e.g. models/eugpt-36m")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--temperature", type=float, default=0.7)
        parser.add_argument("--probes", action="store_true")

    @staticmethod
    def run(args: Namespace) -> None:
        from inference.checkpoint_io import load_model, verify
        from training.generate import PROBES, reply

        checkpoint = verify(args.checkpoint)
        model, tokenizer = load_model(checkpoint), checkpoint.tokenizer()

        def answer(messages: list[str]) -> str:
            return reply(model, tokenizer, messages, seed=args.seed, temperature=args.temperature)

        if args.probes:
            for probe in PROBES:
                print(f"> {probe}\n  {answer([probe])}\n")
            return
        messages: list[str] = []
        while text := input("> ").strip():
            messages.append(text)
            messages.append(answer(messages))
            print(messages[-1])


COMMANDS: dict[str, type[Command]] = {
    "teacher": TeacherCommand,
    "tokenizer": TokenizerCommand,
    "train": TrainCommand,
    "export": ExportCommand,
    "chat": ChatCommand,
}
