"""MkDocs hook: links that leave docs/, as they work on GitHub, work in the site too.

A model card becomes a page of the site; of any other file the site holds a copy as text. A link to
sound becomes a player.
"""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

LINK = re.compile(r"\]\((\.\./[^)#\s]+)\)")
SOUND = re.compile(r"\[([^]]+)\]\(([^)\s]+\.mp3)\)")
PLAYER = r'<audio controls preload="none" src="\2"></audio> \1'
COPIES = "source"


def copied(path: Path, config: MkDocsConfig, root: Path) -> File:
    """The site's file for a file of the repository: .md a page, the rest text."""
    name = f"{COPIES}/{path.relative_to(root).as_posix()}"
    if path.suffix == ".md":
        return File.generated(config, name, abs_src_path=str(path))
    return File.generated(config, f"{name}.txt", content=path.read_text(encoding="utf-8"))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what any page links to outside of docs/."""
    root = Path(config.config_file_path).parent
    linked = {
        (Path(page.abs_src_path).parent / target).resolve()
        for page in list(files.documentation_pages())
        for target in LINK.findall(page.content_string)
    }
    missing = [str(path.relative_to(root)) for path in sorted(linked) if not path.is_file()]
    if missing:
        raise PluginError(f"links in docs/ lead to files that are not there: {', '.join(missing)}")
    for path in sorted(linked):
        files.append(copied(path, config, root))
    return files


def on_page_markdown(markdown: str, page, config: MkDocsConfig, files: Files) -> str:
    """Points these links at the copies, and plays what is linked to be heard."""
    root = Path(config.config_file_path).parent
    if page.file.generated_by is not None:  # a card: docs/ is the site itself
        return SOUND.sub(PLAYER, markdown.replace("](../../docs/", "](../../../"))

    def to_copy(match: re.Match) -> str:
        path = (Path(page.file.abs_src_path).parent / match[1]).resolve()
        place = copied(path, config, root).src_uri
        return f"]({os.path.relpath(place, os.path.dirname(page.file.src_uri) or '.')})"

    return SOUND.sub(PLAYER, LINK.sub(to_copy, markdown))
