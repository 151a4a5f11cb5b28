"""The front end is built when its sources changed, and only then (with a stand-in for npm)."""

import os
from pathlib import Path

import pytest

from deploy.local import frontend, node
from deploy.local.errors import SetupError

NPM = """#!/bin/sh
echo "$*" >> calls
case "$1" in
  ci) mkdir -p node_modules ;;
  run) mkdir -p out src/lib/api src/lib/chat && echo built > out/index.html
       touch src/lib/api/schema.gen.d.ts src/lib/chat/events.gen.d.ts ;;
esac
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs, sources = tmp_path / "bin", tmp_path / "frontend"
    for directory in (programs, sources / "src"):
        directory.mkdir(parents=True)
    for name, text in (("npm", NPM), ("node", "#!/bin/sh\necho v20.19.0\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("package.json", "package-lock.json", "src/page.tsx"):
        (sources / name).write_text("{}")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.defpath}")
    return sources


def calls(sources: Path) -> list[str]:
    path = sources.parent / "frontend" / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def test_build_runs_when_sources_or_place_changed_only(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert frontend.build(sources)
    assert calls(sources) == ["ci --no-audit --no-fund", "run build"]
    assert not frontend.build(sources)
    (sources / "src" / "page.tsx").write_text("changed")
    assert frontend.build(sources)
    assert calls(sources) == ["run build"]
    (sources / "package-lock.json").write_text("changed")
    assert frontend.build(sources)
    assert calls(sources) == ["ci --no-audit --no-fund", "run build"]
    monkeypatch.setenv("NEXT_PUBLIC_SITE_ORIGIN", "https://chat.example.org")
    assert frontend.build(sources)
    assert calls(sources) == ["run build"]
    assert not frontend.build(sources)


def test_types_are_made_when_the_backend_changed_only(sources: Path) -> None:
    (sources / "scripts").mkdir()
    (sources / "scripts" / "types.mjs").write_text("")
    frontend.build(sources)
    calls(sources)
    assert frontend.make_types(sources)
    assert calls(sources) == ["run types"]
    assert not frontend.make_types(sources)
    (sources / ".eugpt-types").write_text("those of an older backend")
    assert frontend.make_types(sources)
    assert calls(sources) == ["run types"]
    assert not frontend.build(sources), "the page does not depend on its types"


def test_build_that_fails_leaves_no_stamp(sources: Path) -> None:
    npm = Path(os.environ["PATH"].split(os.pathsep)[0]) / "npm"
    npm.write_text("#!/bin/sh\nmkdir -p node_modules\n[ $1 = ci ]\n")
    with pytest.raises(SetupError, match="npm run build"):
        frontend.build(sources)
    npm.write_text(NPM)
    assert frontend.build(sources)
    assert calls(sources) == ["run build"]


@pytest.mark.parametrize(("version", "fits"), [("v20.18.9", False), ("v22.0.1", True), ("", False)])
def test_find_npm_wants_a_recent_node(
    sources: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    program = Path(os.environ["PATH"].split(os.pathsep)[0]) / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    asked: list[str] = []
    monkeypatch.setattr(node, "_install_wheel", lambda: asked.append("wheel"))
    monkeypatch.setattr(node, "find_spec", lambda _name: None)
    npm = node.find_npm()
    assert (npm.command == ("npm",)) is fits
    assert bool(asked) is not fits


def test_build_without_sources_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="front end is missing"):
        frontend.build(tmp_path)
