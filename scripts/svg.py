"""A few strokes of SVG: text, lines, arrows, boxes and pixels, each a string to be joined.

Drawings are 640 wide and letters 18 high or more, so that they can be read on a telephone, where a
page is about 350 wide. Each brings its own white ground: it looks the same in both color schemes.

Points are (x, y), boxes xyxy, as everywhere in the course.
"""

import base64
import io
from html import escape

import numpy as np
from PIL import Image

from coursekit.style import INK, QUIET

WIDTH, LETTERS, FONT = 640, 18, "Helvetica, Arial, 'Liberation Sans', sans-serif"
HEAD = """<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"
 markerHeight="7" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="context-stroke"/>
</marker></defs>"""


def page(height: int, *parts: str) -> str:
    """A whole drawing, on white."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="{FONT}" '
            f'font-size="{LETTERS}" fill="{INK}">\n{HEAD}\n'
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def number(value: float) -> str:
    """At most one decimal, none where there is none."""
    return f"{value:.1f}".removesuffix(".0")


def attributes(options: dict) -> str:
    """`stroke_width=2` as SVG writes it."""
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in options.items())


def text(x: float, y: float, words: str, **options: str | float) -> str:
    """Words whose line starts at (x, y); `text_anchor="middle"` puts their middle there."""
    return f'<text x="{number(x)}" y="{number(y)}"{attributes(options)}>{escape(words)}</text>'


def middle(x: float, y: float, words: str, **options: str | float) -> str:
    """Words around (x, y), across and down."""
    return text(x, y + LETTERS * 0.35, words, text_anchor="middle", **options)


def line(*points: tuple[float, float], **options: str | float) -> str:
    """A line through points; `marker_end="url(#tip)"` makes it an arrow."""
    path = " ".join(f"{number(x)} {number(y)}" for x, y in points)
    options = {"fill": "none", "stroke": QUIET, "stroke_width": 2} | options
    return f'<path d="M{path}"{attributes(options)}/>'


def arrow(*points: tuple[float, float], **options: str | float) -> str:
    """A line that ends in a tip."""
    return line(*points, **({"marker_end": "url(#tip)"} | options))


def box(x1: float, y1: float, x2: float, y2: float, **options: str | float) -> str:
    """A rectangle's outline."""
    options = {"fill": "none", "stroke": INK, "stroke_width": 2} | options
    return (f'<rect x="{number(x1)}" y="{number(y1)}" width="{number(x2 - x1)}" '
            f'height="{number(y2 - y1)}"{attributes(options)}/>')


def dot(x: float, y: float, radius: float = 5, **options: str | float) -> str:
    """A disc."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"{attributes(options)}/>'


def pixels(image: np.ndarray, x: float, y: float, width: float, *, exact: bool = False) -> str:
    """An image (H, W, 3), bytes, as a picture `width` wide: WebP, or PNG where it must be exact."""
    file, kind = io.BytesIO(), "png" if exact else "webp"
    options = {"optimize": True} if exact else {"quality": 80, "method": 6}
    Image.fromarray(image).save(file, kind, **options)
    height = width * image.shape[0] / image.shape[1]
    sharp = ' style="image-rendering:pixelated"' if exact else ""
    return (f'<image x="{number(x)}" y="{number(y)}" width="{number(width)}" '
            f'height="{number(height)}"{sharp} '
            f'href="data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"/>')
