"""How pictures become files: colours by role, SVG that follows the reader's light or dark, PNG for slides.

The same figure gives the same bytes: no date, and identifiers made from the picture's own name.
"""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seo_warehouse.report.words import clean

LIGHT = {
    "paper": "#ffffff", "ink": "#1d2733", "soft": "#5a6675", "line": "#d5dbe3", "shade": "#f0f3f7",
    "honest": "#b9d7ee", "plain": "#4b94c9", "mark": "#0b4f82", "good": "#00795a", "bad": "#b4480f",
    "update": "#f6e3ae", "series1": "#0072b2", "series2": "#c85200", "series3": "#00795a",
    "series4": "#a4548a", "series5": "#8a6d00", "series6": "#4d5b6b",
}  # fmt: skip
DARK = {
    "paper": "#141a21", "ink": "#e8edf3", "soft": "#a3b0be", "line": "#38434f", "shade": "#1d252e",
    "honest": "#234a68", "plain": "#3f8cc4", "mark": "#bfe1fa", "good": "#3cc79a", "bad": "#f08a4b",
    "update": "#4a3d12", "series1": "#56b4e9", "series2": "#f0913e", "series3": "#3cc79a",
    "series4": "#d99ac4", "series5": "#e0c341", "series6": "#b4bfcc",
}  # fmt: skip
"""The colours of Okabe and Ito, which people of any colour vision tell apart, darkened or lightened to be readable."""
ROLES = tuple(LIGHT)
SENTINELS = {role: f"#fe{number:02x}ed" for number, role in enumerate(ROLES)}
"""Colours that stand for a role until the SVG is written."""
FONTS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
PNG_DOTS = 144

WIDE, NARROW = 800, 328
"""Widths in CSS pixels for which a picture is drawn; one unit of a figure is one pixel there."""
TEXT, SMALL = 12.0, 11.0
"""Sizes of text in pixels; nothing is smaller at the width that it was drawn for."""

Palette = dict[str, str]


@dataclass(frozen=True)
class Canvas:
    """What a picture is drawn on: its width and the colours of its roles."""

    width: int
    palette: Palette

    @property
    def is_narrow(self) -> bool:
        """For a telephone."""
        return self.width < 500

    def figure(self, height: float) -> Figure:
        """An empty figure of so many pixels."""
        return Figure(figsize=(self.width / 72, height / 72), facecolor="none")


@dataclass(frozen=True)
class Picture:
    """A picture that can be drawn at any width and in any colours. `title` and `description` are for who cannot see."""

    name: str
    title: str
    description: str
    draw: Callable[[Canvas], Figure]


def to_svg(picture: Picture, width: int) -> str:
    """The picture as an SVG element whose colours are CSS variables, to be set by what holds it."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{picture.name}-{width}".lower()).strip("-")
    with style(name), quiet():
        figure = picture.draw(Canvas(width, SENTINELS))
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _tidy(out.getvalue(), name, picture)


def to_svg_file(picture: Picture, width: int = WIDE) -> str:
    """The picture as an SVG file of its own, light or dark as its reader prefers."""
    rules = (
        f"svg{{background:var(--paper)}}:root{{{variables(LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    )
    head, _, rest = to_svg(picture, width).partition(">")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}><style>{rules}</style>{rest}\n'


def to_png(picture: Picture, width: int = WIDE) -> bytes:
    """The picture as PNG, light."""
    with style(picture.name), quiet():
        figure = picture.draw(Canvas(width, LIGHT))
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=PNG_DOTS, facecolor=LIGHT["paper"], metadata={"Software": None})
    return out.getvalue()


def variables(palette: Palette) -> str:
    """A palette as CSS variables."""
    return ";".join(f"--{role}:{colour}" for role, colour in palette.items())


def style(salt: str) -> AbstractContextManager[None]:
    """The settings under which pictures are drawn. Text stays text, and is never read as a formula."""
    settings: dict[Any, Any] = {
        "svg.fonttype": "none", "svg.hashsalt": salt, "text.parse_math": False, "font.family": "DejaVu Sans",
        "font.size": SMALL, "axes.linewidth": 1.0, "lines.linewidth": 1.6, "hatch.linewidth": 1.0,
        "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "axes.unicode_minus": True, "path.simplify": True,
    }  # fmt: skip
    return matplotlib.rc_context(matplotlib.rcParamsDefault | settings)


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing of letters that the PNG's font lacks: keywords are written in every script."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def wrap(canvas: Canvas, title: str) -> list[str]:
    """A title in lines that fit."""
    return textwrap.wrap(title, 38 if canvas.is_narrow else 90) or [""]


def head(figure: Figure, canvas: Canvas, lines: Sequence[str]) -> None:
    """Write a title at the top; it takes `head_height` pixels."""
    height = 72 * figure.get_figheight()
    bold: dict[str, Any] = {"fontsize": TEXT + 1, "fontweight": "bold", "color": canvas.palette["ink"]}
    for number, line in enumerate(lines):
        figure.text(8 / canvas.width, 1 - (8 + 18 * number) / height, line, va="top", **bold)


def head_height(lines: Sequence[str]) -> float:
    """How many pixels a title takes."""
    return 12 + 18.0 * len(lines)


def frame(
    canvas: Canvas,
    title: str,
    *,
    plot: float,
    above: float = 12,
    below: float,
    left: float,
    right: float,
    grid: str = "y",
) -> tuple[Figure, Axes]:
    """A figure with its title and, below, axes `plot` pixels high. Margins are pixels; `above` is under the title."""
    titles = wrap(canvas, title)
    height = head_height(titles) + above + plot + below
    figure = canvas.figure(height)
    axes = figure.add_axes((left / canvas.width, below / height, 1 - (left + right) / canvas.width, plot / height))
    dress(axes, canvas, grid=grid)
    head(figure, canvas, titles)
    return figure, axes


def write(figure: Figure, x: float, y: float, said: str, **style: Any) -> None:
    """Write at so many pixels from the left and from below."""
    figure.text(x / (72 * figure.get_figwidth()), y / (72 * figure.get_figheight()), said, **style)


def halo(canvas: Canvas) -> dict[str, Any]:
    """What keeps a text readable over lines."""
    return {"facecolor": canvas.palette["paper"], "edgecolor": "none", "pad": 1.2}


def dress(axes: Axes, canvas: Canvas, *, grid: str = "y") -> None:
    """Plain axes: no box, soft ticks, a light grid."""
    colours = canvas.palette
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours["line"])
    axes.tick_params(colors=colours["soft"], length=0, pad=4)
    axes.set_axisbelow(True)
    if grid in ("x", "y"):
        axes.grid(axis="x" if grid == "x" else "y", color=colours["line"], linewidth=0.8)


def _tidy(svg: str, name: str, picture: Picture) -> str:
    """An element that can stand in a page beside others: no prologue, no foreign rules, its own identifiers."""
    inner = re.sub(r"^.*?<svg[^>]*>|<metadata>.*?</metadata>|<style[^>]*>.*?</style>|</svg>\s*$", "", svg, flags=re.S)
    inner = re.sub(r"<defs>\s*</defs>|<!--.*?-->", "", inner, flags=re.S)
    inner = re.sub(r'<g id="[^"]*"', "<g", inner)
    inner = re.sub(r' transform="rotate\(-0 [^"]*\)"|<g\s*/>', "", inner)
    inner = re.sub(r"\s*\n\s*", " ", inner)
    for role, colour in SENTINELS.items():
        inner = inner.replace(colour, f"var(--{role})")
    inner = inner.replace("font-family: 'DejaVu Sans'; ", "")
    inner = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), inner)
    view = re.search(r'viewBox="([^"]*)"', svg)
    box = view[1] if view else "0 0 0 0"
    title, description = escape(clean(picture.title, 200)), escape(clean(picture.description, 2_000))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}" '
        f'role="img" font-family="{FONTS}" aria-labelledby="{name}-title {name}-desc" stroke-linejoin="round">'
        f'<title id="{name}-title">{title}</title><desc id="{name}-desc">{description}</desc>{inner.strip()}</svg>'
    )
