"""Hooks of mkdocs: the pages made from the specs, formulas without scripts, and pages that ask no other host."""

from __future__ import annotations

import re
from typing import Any

import latex2mathml.converter
import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

MARKER = re.compile(r"^<!-- the fields of (\w+) -->$", re.MULTILINE)
"""Where a page of an architecture shows what its spec says."""

POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
"""With it the browser itself refuses to fetch from another host."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "math", "class": "math", "format": formula}]
    return config


def formula(source: str, *_: Any, **__: Any) -> str:
    """LaTeX as MathML, which browsers draw by themselves."""
    return f'<div class="formula">{latex2mathml.converter.convert(source, display="block")}</div>'


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, text in reference.pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    return MARKER.sub(lambda match: reference.architecture(match[1]), markdown)


def on_post_page(output: str, **_: Any) -> str:
    return output.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">', 1)


def on_post_template(output_content: str, **_: Any) -> str:
    return on_post_page(output_content)
