"""The page of the live mode: its pure modules run under node, and its files keep to the content security policy."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require

ROOT = Path(__file__).parents[2]
WEB = ROOT / "demo" / "web"
PAGE = (WEB / "index.html").read_text()
SCRIPTS = {path.relative_to(WEB).as_posix(): path.read_text() for path in sorted(WEB.rglob("*.js"))}


@pytest.mark.parametrize("suite", sorted(ROOT.glob("tests/web/*.test.mjs")), ids=lambda path: path.stem)
def test_pure_modules(suite: Path) -> None:
    node = shutil.which("node")
    require(node, "node is not installed (Debian: nodejs)")
    assert node is not None
    done = subprocess.run([node, "--test", str(suite)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_parse(name: str) -> None:
    node = shutil.which("node")
    require(node, "node is not installed (Debian: nodejs)")
    assert node is not None
    done = subprocess.run([node, "--check", str(WEB / name)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_nothing_inline() -> None:
    """`default-src 'self'` refuses inline scripts, styles and listeners."""
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", PAGE)
    assert re.findall(r"<script[^>]*>(.*?)</script>", PAGE, re.S) == [""]


def test_texts_are_never_markup() -> None:
    for name, script in SCRIPTS.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script
        ), name


def test_nothing_from_elsewhere() -> None:
    for path in WEB.rglob("*"):
        if path.is_file():
            addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w{2,}[^\s\"')]*", path.read_text()))
            assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_modules_find_each_other() -> None:
    for name, script in SCRIPTS.items():
        for target in re.findall(r"from '([^']+)'", script):
            assert (WEB / name).parent.joinpath(target).is_file(), f"{name}: {target}"


def modules_of(entry: str) -> set[str]:
    """It, and what it imports."""
    found, open_ = set(), [entry]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            parent = (WEB / name).parent
            targets = re.findall(r"from '([^']+)'", SCRIPTS[name])
            open_ += [str((parent / t).resolve().relative_to(WEB.resolve())) for t in targets]
    return found


@pytest.mark.parametrize("page", ["index.html", "screen.html"])
def test_scripts_find_their_elements(page: str) -> None:
    text = (WEB / page).read_text()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    (entry,) = re.findall(r'<script type="module" src="static/([^"]+)"', text)
    scripts = [SCRIPTS[name] for name in modules_of(entry)]
    used = {found for script in scripts for found in re.findall(r"byId\('([^']+)'\)", script)}
    assert len(used) > 15
    assert used <= set(ids)


def test_icons_exist() -> None:
    icons = set(re.findall(r'<symbol id="([^"]+)"', (WEB / "icons.svg").read_text()))
    used = set(re.findall(r"icons\.svg#([\w-]+)", PAGE))
    used |= {found for script in SCRIPTS.values() for found in re.findall(r"icon\('([\w-]+)'\)", script)}
    assert len(used) > 10
    assert used <= icons


def test_controls_have_names() -> None:
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', PAGE))
    for control in re.findall(r"<input[^>]*>", PAGE):
        kind = re.search(r'type="(radio|checkbox|file)"', control)  # these stand inside their labels
        name = re.search(r'id="([^"]+)"', control)
        assert kind or (name and name[1] in labels), control
    for button, content in re.findall(r"<button([^>]*)>(.*?)</button>", PAGE, re.S):
        said = re.sub(r"<svg.*?</svg>|<[^>]+>", "", content, flags=re.S).strip()
        assert said or "aria-label" in button, button
