"""`python -m training synthesize TEACHER OUT.jsonl.xz`: new conversations in volume."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path


class SynthesizeCommand:
    """let a fine-tuned teacher write new conversations, both sides; run it again to go on"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("teacher", type=Path, help="a run or a checkpoint")
        parser.add_argument("out", type=Path, help="NAME.jsonl.xz; NAME.report.json comes beside")
        parser.add_argument("--root", type=Path, default=Path(), help="base of the run's paths")
        parser.add_argument("--data", type=Path, default=Path("training/data/smalltalk"))
        parser.add_argument(
            "--prompts", type=Path, nargs="*", default=[], metavar="FILE.jsonl.xz",
            help="public phrasings to start from, besides our own first turns",
        )  # fmt: skip
        parser.add_argument("--count", type=int, default=100_000, help="conversations to keep")
        parser.add_argument("--minutes", type=float, default=600.0, help="of this call")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--temperature", type=float, default=0.9)
        parser.add_argument("--rows", type=int, help="at once; default: 512 on a GPU, else 48")
        parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
        parser.add_argument("--sample", type=Path, help="text file of some of them, for people")
        parser.add_argument("--sample-size", type=int, default=200)
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    @staticmethod
    def run(args: Namespace) -> None:
        from training.synthesis.run import synthesize
        from training.synthesis.sample import write_sample

        counts = synthesize(
            args.teacher, args.out, root=args.root, data=args.data, prompts=args.prompts,
            count=args.count, minutes=args.minutes, seed=args.seed, temperature=args.temperature,
            rows=args.rows, precision=args.precision, is_quiet=args.quiet,
        )  # fmt: skip
        share = counts.kept / max(1, counts.finished)
        print(f"{args.out}: {counts.kept} conversations, {share:.0%} of those written")
        if args.sample:
            write_sample(args.out, args.sample, args.sample_size, args.seed)
