"""Links that nobody sees, as far as attributes of the page itself say so: no stylesheet is read and no script run."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_STYLE = 2_000
"""Characters that are read of a style."""
MAX_STEPS = 50
"""Elements around a link that are asked for their ground: no page that people wrote nests a link deeper in one."""
_NAMED = {
    "black": "000000",
    "silver": "c0c0c0",
    "gray": "808080",
    "grey": "808080",
    "white": "ffffff",
    "maroon": "800000",
    "red": "ff0000",
    "purple": "800080",
    "fuchsia": "ff00ff",
    "green": "008000",
    "lime": "00ff00",
    "olive": "808000",
    "yellow": "ffff00",
    "navy": "000080",
    "blue": "0000ff",
    "teal": "008080",
    "aqua": "00ffff",
}
"""The sixteen names of HTML 4."""
_READ = frozenset(("display", "font-size", "color", "background", "background-color"))
_NOTHING = re.compile(r"(?:0+(?:\.0+)?|\.0+)(?:px|pt|em|rem|%)?")
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")


class Hiding:
    """What of a page inline style hides: display none around it, text of no size, or in the colour of its ground.

    The size and the colour count where the link itself states them: what stands around it may be undone by a
    stylesheet, which nobody here reads. An image is seen at any size and colour of text.
    """

    def __init__(self, tree: LexborHTMLParser) -> None:
        styled = ((node.mem_id, _declared(node)) for node in tree.css("[style]"))
        self._styles = {node: style for node, style in styled if style}
        self._closed = {node for node, style in self._styles.items() if style.get("display") == "none"}
        self._known: dict[int, bool] = {}

    def is_hidden(self, link: LexborNode) -> bool:
        """Whether an element that links is hidden."""
        if self._closed and self._is_closed(link):
            return True
        style = self._styles.get(link.mem_id)
        if style is None or link.css_first("img, svg") is not None:
            return False
        if _NOTHING.fullmatch(style.get("font-size", "")):
            return True
        colour = _colour(style.get("color", ""))
        return colour is not None and colour == self._ground(link)

    def _is_closed(self, node: LexborNode) -> bool:
        """Whether an element around it, or itself, is not displayed; remembers what it passes."""
        passed: list[int] = []
        found = False
        above: LexborNode | None = node
        while above is not None:
            if above.mem_id in self._closed or (known := self._known.get(above.mem_id)):
                found = True
                break
            if known is False:
                break
            passed.append(above.mem_id)
            above = above.parent
        self._known.update(dict.fromkeys(passed, found))
        return found

    def _ground(self, node: LexborNode) -> str | None:
        """The colour of the nearest ground that is stated; None where there is none, or it is no plain colour."""
        above: LexborNode | None = node
        for _ in range(MAX_STEPS):
            if above is None:
                break
            style = self._styles.get(above.mem_id, {})
            stated = style.get("background-color") or style.get("background")
            if stated:
                return _colour(stated)
            above = above.parent
        return None


def _declared(node: LexborNode) -> dict[str, str]:
    """What an element's style declares that is read here, in lower case; of two of one name the last."""
    text = (node.attributes.get("style") or "")[:MAX_STYLE].lower()
    pairs = (declaration.partition(":") for declaration in text.split(";"))
    told = ((name.strip(), value.replace("!important", "").strip()) for name, _, value in pairs)
    return {name: value for name, value in told if name in _READ}


def _colour(value: str) -> str | None:
    """Six hexadecimal digits of a plain colour."""
    if value in _NAMED:
        return _NAMED[value]
    if found := _HEX.fullmatch(value):
        digits = found[1]
        return digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    if found := _RGB.fullmatch(value):
        return "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return None
