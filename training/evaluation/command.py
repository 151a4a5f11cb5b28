"""`python -m training evaluate CHECKPOINT_FOLDER --out FOLDER`: one command, one table."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.evaluation.result import Measure
    from training.evaluation.subject import Subject

SMALLTALK = Path("training/data/smalltalk")
CONVERSATIONS = "conversations"
MEASURES = (
    "loss", "recall", "facts", "safety", "identity", "topic", "repetition", "precision",
    CONVERSATIONS,
)  # fmt: skip


def _measures(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - set(MEASURES)):
        raise ArgumentTypeError(f"unknown {', '.join(unknown)}; known are {', '.join(MEASURES)}")
    return [name for name in MEASURES if name in names]


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise ArgumentTypeError("needs a number above 0")
    return int(text)


class EvaluateCommand:
    """measure a checkpoint: one table, every failed case, and conversations to read"""

    @staticmethod
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("checkpoint", type=Path, help="e.g. models/eugpt-36m")
        parser.add_argument("--out", type=Path, required=True, help="folder to write to")
        parser.add_argument("--smalltalk", type=Path, default=SMALLTALK, help="small-talk folder")
        parser.add_argument(
            "--corpus", type=Path,
            help="folder of public *.jsonl.xz: the loss on what `prepare` holds out of each, which "
            "only a run that reads its shards has never seen",
        )  # fmt: skip
        parser.add_argument(
            "--only", type=_measures, default=list(MEASURES), metavar="A,B",
            help="of " + ", ".join(MEASURES),
        )  # fmt: skip
        parser.add_argument(
            "--limit", type=_positive, help="cases of each measure, for a quick look"
        )
        parser.add_argument("--quiet", action="store_true", help="no progress bars")

    @staticmethod
    def run(args: Namespace) -> None:
        from inference.checkpoint_io import load_model, verify
        from training.evaluation.report import table, write_report
        from training.evaluation.subject import SEED, TEMPERATURE, Subject

        checkpoint = verify(args.checkpoint)
        subject = Subject(
            load_model(checkpoint), checkpoint.tokenizer(), args.smalltalk, args.corpus,
            args.limit, args.quiet,
        )  # fmt: skip
        args.out.mkdir(parents=True, exist_ok=True)
        about = {
            "checkpoint": checkpoint.name,
            "sha256": checkpoint.sha256,
            "parameters": subject.model.parameter_count(),
            "config": checkpoint.config.to_dict(),
            "temperature": TEMPERATURE,
            "seed": SEED,
            "limit": args.limit,
        }
        measures = measure_all(subject, [n for n in args.only if n != CONVERSATIONS])
        write_report(args.out, about, measures)
        if CONVERSATIONS in args.only:
            write_conversations(subject, checkpoint.name, args.out)
        print("\n".join(table([row for m in measures.values() for row in m.rows])))


def measure_all(subject: Subject, names: list[str]) -> dict[str, Measure]:
    """Run the named measures, with a bar over them and one inside each."""
    from tqdm import tqdm

    from training.evaluation import likelihood, precision, questions, recall, talk

    functions: dict[str, Callable[[Subject], Measure]] = {
        "loss": likelihood.loss,
        "recall": recall.recall,
        "facts": questions.facts,
        "safety": questions.safety,
        "identity": questions.identity,
        "topic": talk.topic,
        "repetition": talk.repetition,
        "precision": precision.precision,
    }
    measures = {}
    for name in (bar := tqdm(names, unit="measure", disable=subject.is_quiet)):
        bar.set_description(name)
        subject.label = name
        measures[name] = functions[name](subject)
    return measures


def write_conversations(subject: Subject, name: str, out: Path) -> None:
    from training.evaluation.page import as_html, as_markdown
    from training.evaluation.probes import read_probes
    from training.evaluation.subject import SEED, TEMPERATURE

    subject.label = CONVERSATIONS
    conversations = subject.conversations
    headings = [p["about"] for p in subject.cut(read_probes("conversations"))]
    title = f"Conversations with {name}"
    about = (
        f"{len(conversations)} fixed conversations, temperature {TEMPERATURE}, top-k 40, "
        f"seed {SEED}. Nothing is chosen or mended by hand."
    )
    for suffix, render in (("html", as_html), ("md", as_markdown)):
        text = render(title, about, headings, conversations)
        (out / f"conversations.{suffix}").write_text(text, encoding="utf-8")
