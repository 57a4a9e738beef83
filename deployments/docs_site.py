"""Hooks of mkdocs for `make docs`: the list of decisions, and files beside `docs/` that pages link to."""

import re
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

PROJECT: Final = Path(__file__).parents[1]
EXAMPLES: Final = "examples"
SECURITY: Final = "SECURITY.md"


def on_files(files: Files, *, config: Any) -> Files:
    """Add the list of decisions, the examples as files to download, and SECURITY.md as a page."""
    files.append(File.generated(config, "decisions/index.md", content=decisions_page()))
    for example in sorted((PROJECT / EXAMPLES).iterdir()):
        if example.is_file():
            files.append(File.generated(config, f"{EXAMPLES}/{example.name}", content=example.read_bytes()))
    files.append(File.generated(config, SECURITY, content=(PROJECT / SECURITY).read_text(encoding="utf-8")))
    return files


def decisions_page() -> str:
    """Return a page that lists the decisions by their titles."""
    lines = [
        "# Decisions",
        "",
        "Choices that somebody will question: what we chose, why, and what would change it.",
        "",
    ]
    for decision in sorted((PROJECT / "docs" / "decisions").glob("0*.md")):
        title = decision.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"- [{title}]({decision.name})")
    return "\n".join([*lines, ""])


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001  mkdocs names them
    """Let links to files beside `docs/` lead to where the site has them, and let the search find decisions last."""
    if page.file.src_uri.startswith("decisions/"):
        page.meta.setdefault("search", {"boost": 0.2})
    if page.file.src_uri == SECURITY:
        return re.sub(r"\]\(docs/", "](", markdown)
    return re.sub(rf"\]\(\.\./{EXAMPLES}/", f"]({EXAMPLES}/", markdown)
