"""The colours of pictures and pages, light and dark; nothing is said by colour alone."""

from __future__ import annotations

LIGHT = {
    "paper": "#f6f4ef",
    "card": "#fffefb",
    "leaf": "#f1ecdf",
    "ink": "#1d2330",
    "quiet": "#596171",
    "line": "#8b93a3",
    "rule": "#dcd7ca",
    "forward": "#1f4fbf",
    "backward": "#b03804",
    "glow": "#ffe9a8",
}
DARK = {
    "paper": "#11141b",
    "card": "#191e28",
    "leaf": "#262e3d",
    "ink": "#e8ebf2",
    "quiet": "#a3acbd",
    "line": "#76809a",
    "rule": "#303848",
    "forward": "#8db6ff",
    "backward": "#ffab78",
    "glow": "#57481a",
}


def variables() -> str:
    """Declare them for a page that follows the reader's system until the reader decides."""
    printed = LIGHT | {"paper": "#fff", "card": "#fff"}
    light, dark, paper = (_declared(colours) for colours in (LIGHT, DARK, printed))
    return (
        f":root{{color-scheme:light;{light}}}"
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"])'
        f"{{color-scheme:dark;{dark}}}}}"
        f':root[data-theme="dark"]{{color-scheme:dark;{dark}}}'
        f"@media print{{:root:root:root{{color-scheme:light;{paper}}}}}"
    )


def _declared(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def resolved(style: str) -> str:
    """Put colours in place of variables, which not every program that draws SVG knows.

    >>> resolved("text { fill: var(--ink); }")
    'text { fill: #1d2330; }@media (prefers-color-scheme:dark){text { fill: #e8ebf2; }}'
    """
    light, dark = style, style
    for name in LIGHT:
        light = light.replace(f"var(--{name})", LIGHT[name])
        dark = dark.replace(f"var(--{name})", DARK[name])
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"
