"""What each subcommand takes and does; the work itself is in the other modules."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Protocol

from inference.chat_template import PromptTooLong
from training.config import ConfigError, RunConfig
from training.evaluation.command import EvaluateCommand
from training.prepare.command import PrepareCommand
from training.synthesis.command import SynthesizeCommand


class Command(Protocol):
    @staticmethod
    def arguments(parser: ArgumentParser) -> None: ...

    @staticmethod
    def run(args: Namespace) -> None: ...


class TeacherCommand:
    """read a teacher's merges out of its GGUF file and, with a tokenizer, the teacher itself"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("gguf", type=Path)
        parser.add_argument("out", type=Path, help="merges.json, or folder of the checkpoint")
        parser.add_argument("--tokenizer", type=Path, help="write the teacher over its ids")
        parser.add_argument("--context", type=int, default=384)

    @staticmethod
    def run(args: Namespace) -> None:
        from training.teacher import Gguf, write_merges, write_teacher

        if args.tokenizer is None:
            write_merges(Gguf(args.gguf), args.out)
        else:
            write_teacher(Gguf(args.gguf), args.tokenizer, args.context, args.out)


class TokenizerCommand:
    """make tokenizer.json: merges learned from the text, or selected from a teacher's"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, help="file to write")
        parser.add_argument("--config", type=Path, required=True, help="run whose sources to read")
        parser.add_argument("--root", type=Path, default=Path())
        parser.add_argument("--merges", type=Path, help="file written by `teacher`")
        parser.add_argument("--vocab-size", type=int, default=16_387)

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.texts import sample_texts
        from training.tokenizer import read_merges, select_bpe, train_bpe

        texts = sample_texts(read_config(args.config, args.root))
        print(f"{len(texts)} texts")
        if args.merges is None:
            tokenizer = train_bpe(texts, args.vocab_size)
        else:
            tokenizer = select_bpe(texts, read_merges(args.merges), args.vocab_size)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(args.out))


class ShrinkCommand:
    """start a student from its teacher: fewer layers, heads and dimensions"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("config", type=Path, help="run of the student: its [model] is made")
        parser.add_argument("teacher", type=Path, help="a run or a checkpoint")
        parser.add_argument("out", type=Path)
        parser.add_argument("--root", type=Path, default=Path())
        parser.add_argument("--layers", help="e.g. 0,1,5,12,20,29; default: searched for")

    @staticmethod
    def run(args: Namespace) -> None:
        from training.shrink import write_student

        layers = [int(i) for i in args.layers.split(",")] if args.layers else None
        write_student(args.config, args.root, args.teacher, args.out, layers)


class SoftenCommand:
    """compute a teacher's next-token distributions on a run's data, once for all epochs"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("config", type=Path, help="run whose sources to read")
        parser.add_argument("teacher", type=Path, help="a run or a checkpoint")
        parser.add_argument("out", type=Path)
        parser.add_argument("--root", type=Path, default=Path())
        parser.add_argument("--rows", type=int, default=100_000, help="of 384 tokens")
        parser.add_argument("--minutes", type=float, default=600.0)
        parser.add_argument("--top", type=int, default=32, help="tokens kept at a position")

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.runs import load_any
        from training.soft import soften

        config, (teacher, _) = (
            read_config(args.config, args.root),
            load_any(args.teacher, args.root),
        )
        rows = soften(config, teacher, args.out, args.rows, args.minutes, args.top)
        print(f"{args.out}: {rows} rows")


class PretrainCommand:
    """train as a TOML file says; run it again to resume; torchrun starts several processes"""

    default = Path("training/configs/pretrain.toml")

    @classmethod
    def arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("config", type=Path, nargs="?", default=cls.default)
        parser.add_argument("--root", type=Path, default=Path(), help="base of the paths in it")
        parser.add_argument("--runs", type=Path, default=Path("training/runs"))

    @classmethod
    def run(cls, args: Namespace) -> None:
        from training.config import read_config
        from training.distributed import join_world
        from training.run_folder import RunFolder
        from training.trainer import Trainer

        config = read_config(args.config, args.root)
        cls.check(config, args.config)
        folder = args.runs / config.name
        with join_world() as world:
            RunFolder(folder).claim(args.config, args.root, is_writing=world.is_first)
            best = Trainer(config, folder, world).fit()
            if world.is_first:
                print("best weights:", best)

    @staticmethod
    def check(config: RunConfig, path: Path) -> None:
        pass


class FinetuneCommand(PretrainCommand):
    """go on from an earlier run's weights, as a TOML file says; run it again to resume"""

    default = Path("training/configs/finetune.toml")

    @staticmethod
    def check(config: RunConfig, path: Path) -> None:
        if not config.init_from:
            raise ConfigError(f"{path}: fine-tuning starts from weights: init_from is missing")


class ExportCommand:
    """write a run's best weights as a released checkpoint, with manifest and model card"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("run", type=Path, help="folder of the run")
        parser.add_argument("out", type=Path, help="folder to write, e.g. models/eugpt-36m")
        parser.add_argument("--root", type=Path, default=Path(), help="base of the config's paths")
        parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="runs before it")
        parser.add_argument("--evaluation", type=Path, help="folder that `evaluate` wrote")
        parser.add_argument("--about", type=Path, help="Markdown: what it can and cannot do")

    @staticmethod
    def run(args: Namespace) -> None:
        from training.config import read_config
        from training.export import export

        config = read_config(args.run / "config.toml", args.root)
        export(
            args.run, args.earlier, config, args.out,
            evaluation=args.evaluation, about=args.about,
        )  # fmt: skip


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
        while text := _ask():
            try:
                messages += [text, answer([*messages, text])]
                print(messages[-1])
            except PromptTooLong as error:
                print(error)


def _ask() -> str:
    try:
        return input("> ").strip()
    except EOFError:  # Ctrl-D
        return ""


COMMANDS: dict[str, type[Command]] = {
    "teacher": TeacherCommand,
    "tokenizer": TokenizerCommand,
    "prepare": PrepareCommand,
    "synthesize": SynthesizeCommand,
    "shrink": ShrinkCommand,
    "soften": SoftenCommand,
    "pretrain": PretrainCommand,
    "finetune": FinetuneCommand,
    "evaluate": EvaluateCommand,
    "export": ExportCommand,
    "chat": ChatCommand,
}
