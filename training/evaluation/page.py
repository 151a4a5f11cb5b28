"""The fixed conversations as a page to read: HTML that needs nothing else, and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from inference.chat_template import Turn

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3a40); --user: light-dark(#e8f0fe, #24324a);
  --reply: light-dark(#f4f4f2, #26262b); --quiet: light-dark(#666, #a0a0a8); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #17171a); color: light-dark(#1b1b1f, #e8e8ec); }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; color: var(--quiet); margin: 0 0 .6rem; }
header p, nav { color: var(--quiet); } nav a { margin-right: .7rem; color: inherit; }
section { border-top: 1px solid var(--line); padding: 1.2rem 0; }
dl { margin: 0; } dt { font-size: .75rem; color: var(--quiet); margin-top: .5rem; }
dd { margin: .1rem 0; padding: .5rem .8rem; border-radius: .7rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
dd.user { background: var(--user); margin-left: 15%; } dd.assistant { background: var(--reply); margin-right: 15%; }
"""  # fmt: skip  # noqa: E501


def as_html(
    title: str, about: str, headings: Sequence[str], conversations: Sequence[Sequence[Turn]]
) -> str:
    """One file without scripts; texts are escaped."""
    numbered = list(enumerate(zip(headings, conversations, strict=True), 1))
    first: dict[str, int] = {}
    for number, (heading, _) in numbered:
        first.setdefault(heading, number)
    links = " ".join(f'<a href="#c{n}">{escape(h)}</a>' for h, n in first.items())
    sections = "\n".join(_section(n, heading, turns) for n, (heading, turns) in numbered)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(about)}</p>\n<nav>{links}</nav>\n"
        f"</header>\n<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _section(number: int, heading: str, turns: Sequence[Turn]) -> str:
    names = {"user": "User", "assistant": "EuGPT"}
    said = "\n".join(
        f'<dt>{names[t.role]}</dt><dd class="{t.role}">{escape(t.content) or "&nbsp;"}</dd>'
        for t in turns
    )
    return f'<section id="c{number}">\n<h2>{number}. {escape(heading)}</h2>\n<dl>\n{said}\n</dl>\n</section>'  # noqa: E501


def as_markdown(
    title: str, about: str, headings: Sequence[str], conversations: Sequence[Sequence[Turn]]
) -> str:
    lines = [f"# {title}", "", about]
    for number, (heading, turns) in enumerate(zip(headings, conversations, strict=True), 1):
        lines += ["", f"## {number}. {heading}"]
        for turn in turns:
            name = "user" if turn.role == "user" else "EuGPT"
            text = " ".join(turn.content.split()).replace("<", "&lt;")
            lines += ["", f"> **{name}**: {text}"]
    return "\n".join(lines) + "\n"
