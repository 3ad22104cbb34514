"""Things that stand about and have no label: balls, boxes, cushions, stools, pots, logs, stones.

They are background (class 0), drawn with the animals' light, so that a model can tell an animal
from a ball only by what it is. Each function draws one thing as a `Sprite` of about `side` pixels,
at whatever resolution it is asked for; its random numbers do not depend on `side`.

Letters: h, w the sprite in pixels; (x, y) in [-1, 1] from its centre, y upward; n a normal.
"""

import numpy as np

from coursekit.data.scenes.animals import Sprite
from coursekit.data.scenes.light import Light, ramp, shade, turn, uniform
from coursekit.data.scenes.noise import chance, lookup, mix, pick, tile

BRIGHT = ((.86, .22, .20), (.16, .42, .74), (.96, .76, .20), (.24, .58, .34), (.94, .93, .90),
          (.90, .48, .18), (.54, .32, .62), (.14, .60, .62), (.92, .58, .66), (.28, .28, .32))
MUTED = ((.62, .46, .34), (.46, .52, .44), (.70, .64, .56), (.40, .44, .54), (.64, .38, .34),
         (.78, .70, .56))
WOOD = ((.70, .50, .32), (.52, .36, .24), (.82, .68, .48), (.40, .28, .20))
BARK = ((.40, .31, .24), (.52, .46, .40), (.80, .78, .74))
CARDBOARD = ((.76, .60, .42), (.68, .52, .36), (.82, .68, .50))


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The centers x as (1, w) and y as (h, 1), both from -1 to 1, y upward, float32."""
    x = ((np.arange(width) + 0.5) * (2 / width) - 1).astype(np.float32)
    y = (1 - (np.arange(height) + 0.5) * (2 / height)).astype(np.float32)
    return x[None, :], y[:, None]


def sprite(rgb: np.ndarray, mask: np.ndarray, feet: tuple[float, ...],
           lift: float = 0.03) -> Sprite:
    """A sprite that stands on its lower edge, touching at the given shares of its width."""
    h, w = mask.shape
    ground = h * (1 - lift)
    up = np.maximum(ground - (np.arange(h, dtype=np.float32)[:, None] + 0.5), 0)
    return Sprite(rgb=rgb.astype(np.float32), mask=mask, height=np.broadcast_to(up, mask.shape),
                  feet=[(share * w, ground) for share in feet], origin=ground)


def solid(rgb, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) of one color."""
    return np.broadcast_to(np.asarray(rgb, np.float32), (*shape, 3))


def two_colors(where: np.ndarray, one, other) -> np.ndarray:
    """(h, w, 3) of one color where (h, w) is true, and of the other elsewhere."""
    return np.where(where[..., None], np.asarray(one, np.float32), np.asarray(other, np.float32))


def _normals(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Stack three components, which broadcast, into unit normals (h, w, 3)."""
    x, y, z = np.broadcast_arrays(x, y, z)
    size = np.sqrt(np.maximum(x * x + y * y + z * z, 1e-6))
    return np.stack([x / size, y / size, z / size], axis=-1).astype(np.float32)


def ball(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A ball: plain, two halves, a beach ball's wedges, a tennis ball's seam, or yarn."""
    x, y = grid(side, side)
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    mask = x * x + y * y < 1
    c, s = turn(uniform(rng, 0, 4))
    c2, s2 = turn(uniform(rng, 0.15, 0.85))
    a, b = x * c - y * s, x * s + y * c                    # turned in the picture plane,
    b, d = b * c2 - z * s2, b * s2 + z * c2                # then tipped toward the viewer
    first, second = pick(rng, BRIGHT), pick(rng, BRIGHT)
    style = int(rng.integers(5))
    if style == 0:
        other = np.abs(b) < 0.28
    elif style == 1:
        other = (a > 0) ^ (b > 0) ^ (a > b)
    elif style == 2:
        other = np.abs(a * a - 0.35 - 0.7 * b * np.abs(b)) < 0.06
    elif style == 3:
        other = (a * 5 - np.floor(a * 5)) < 0.3 + 0.2 * d
    else:
        other = (d * d > 0.72) | (np.abs(d) < 0.12)
    albedo = two_colors(other, second, first)
    if style == 3:  # yarn: the second strand is only a darker shade
        strands = np.where(other, 0.82, 1.0).astype(np.float32)
        albedo = solid(first, mask.shape) * strands[..., None]
    rgb = shade(_normals(x, y, z), albedo, light, gloss=0.05 if style == 3 else 0.35)
    return sprite(rgb, mask, (0.5,))


def stone(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A boulder: a squashed, uneven ball with mossy or grey patches."""
    h, w = int(side * 0.78) + 1, int(side * 1.28) + 1
    x, y = grid(h, w)
    offset = 256 * float(rng.random())
    rough = lookup(tile(4, cells=8, octaves=4), y * 40 + offset, x * 60 + offset)
    lean = uniform(rng, -0.2, 0.2)
    low = np.where(y > 0, y * y, y * y * y * y)
    radius = (x + lean * y) * (x + lean * y) * 1.12 + low * 1.12 + 0.30 * (rough - 0.5)
    mask = (radius < 0.92) & (np.abs(x) < 0.995)
    bump = lookup(tile(4, cells=8, octaves=4), y * 40 + offset + 2, x * 60 + offset + 2) - rough
    n = _normals(x + 2.2 * bump, y + 0.25 + 2.2 * bump, np.sqrt(np.maximum(1.05 - radius, 0.03)))
    gray, patch = pick(rng, ((.58, .57, .54), (.50, .48, .46), (.64, .58, .50))), (.46, .50, .32)
    share = 0.5 * ramp(rough, 0.5, 0.7)[..., None]
    albedo = mix(solid(gray, mask.shape), solid(patch, mask.shape), share)
    albedo = albedo * (0.8 + 0.4 * rough)[..., None]
    return sprite(shade(n, albedo.astype(np.float32), light), mask, (0.25, 0.5, 0.75), lift=0.08)


def box(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A cardboard box, a crate or a toy block, seen over one corner."""
    h, w = side, int(side * 1.15) + 1
    x, y = grid(h, w)
    corner, tilt = uniform(rng, -0.5, 0.5), uniform(rng, 0.16, 0.28)
    west, east = 1 + corner, 1 - corner                # widths of the two faces
    rise_w, rise_e = tilt * east, tilt * west          # how far their outer edges lie back
    top = 1 - 2 * tilt
    away = np.where(x < corner, (corner - x) / west, (x - corner) / east)  # 0 corner .. 1 edge
    up = (y + 1 - np.where(x < corner, rise_w, rise_e) * away) * (1 / (top + 1))
    front = (up > 0) & (up < 1) & (np.abs(x) < 0.99)
    span = 1 / (west * rise_e + east * rise_w)             # along the lid's two edges:
    a = (east * (y - top) - rise_e * (x - corner)) * span
    b = (west * (y - top) + rise_w * (x - corner)) * span
    lid = (a > 0) & (b > 0) & (a < 1) & (b < 1) & ~front
    normals = np.asarray([[-.72, .1, .68], [.72, .1, .68], [0., .92, .39]], np.float32)
    faces = shade(normals, np.full((3, 3), 0.8, np.float32), light) * (1 / 0.8)
    sides = np.where((x < corner)[..., None], faces[0], faces[1])
    tone = np.where(lid[..., None], faces[2], sides)
    style = int(rng.integers(3))
    base = solid(pick(rng, (CARDBOARD, WOOD, BRIGHT)[style]), lid.shape)
    tone = tone * _box_marks(rng, style, lid, a, away, up)[..., None]
    feet = (0.08, 0.5 + 0.5 * corner, 0.92)
    return sprite(np.minimum(base * tone, 1), front | lid, feet, lift=tilt * 0.3)


def _box_marks(rng: np.random.Generator, style: int, lid, a, away, up) -> np.ndarray:
    """Tape on cardboard, slats on a crate, a pale frame on a block; and dark toward the ground."""
    if style == 0:
        hanging = ~lid & (np.abs(away - 0.5) < 0.05) & (up > 0.7)
        marks = np.where(lid & (np.abs(a - 0.5) < 0.07), 1.18, np.where(hanging, 1.1, 1))
    elif style == 1:
        slats = up * 4
        marks = np.where(~lid & (slats - np.floor(slats) < 0.14), 0.62, 1)
        marks = np.where(~lid & (np.abs(away - 0.5) > 0.42), marks * 1.08, marks)
    else:
        marks = np.where(~lid & (np.maximum(np.abs(away - 0.5), np.abs(up - 0.5)) > 0.38), 1.22, 1)
    dim = 0.80 + 0.22 * np.minimum(np.maximum(up, 0), 1)
    return np.where(lid, marks, marks * dim).astype(np.float32)


def cushion(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A plump cushion or a pouf: rounded cloth with a seam, plain, striped or checked."""
    squat = uniform(rng, 0.52, 0.80)
    h, w = int(side * squat * 1.15) + 1, int(side * 1.2) + 1
    x, y = grid(h, w)
    x4, y4 = x * x * x * x, y * y * np.where(y > 0, 1.0, y * y)
    swell = np.sqrt(np.maximum(1 - x4 - y4, 0))
    mask = x4 + y4 < 0.97
    n = _normals(x * x * x, 0.25 + y * (0.5 + 0.5 * y * y), 0.10 + 0.85 * swell)
    first, second = pick(rng, MUTED + BRIGHT), pick(rng, MUTED + BRIGHT)
    style, count = int(rng.integers(4)), uniform(rng, 1.6, 3.0)
    round_x = x / (0.4 + 0.6 * swell)                      # stripes follow the swelling
    along = np.abs(round_x * count - np.floor(round_x * count) - 0.5)
    across = np.abs(y * 2 - np.floor(y * 2) - 0.5)
    other = ((along < 0.14) & (style > 0)) | ((across < 0.12) & (style == 2))
    seam = (np.abs(y + 0.08 - 0.10 * x * x) < 0.035) & (style != 2)
    albedo = two_colors(other, second, first)
    albedo = albedo * np.where(seam, 0.72, 1.0)[..., None].astype(np.float32)
    return sprite(shade(n, albedo, light), mask, (0.15, 0.4, 0.6, 0.85), lift=0.08)


def stool(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A round stool: a seat of wood or cloth on four splayed legs."""
    h, w = int(side * 1.12) + 1, int(side * 0.9) + 1
    x, y = grid(h, w)
    wood, seat = pick(rng, WOOD), pick(rng, WOOD + MUTED + BRIGHT[:4])
    rgb, mask = np.zeros((h, w, 3), np.float32), np.zeros((h, w), bool)
    up = (y + 1) / 1.62
    legs = ((-.38, .62, -.80), (.38, .62, -.80), (-.78, 1.0, -.97), (.78, 1.0, -.97))
    for foot, tone, stand in legs:
        middle = foot * (1 - 0.32 * up)
        leg = (np.abs(x - middle) < 0.075) & (y > stand) & (y < 0.68)
        n = _normals((x - middle) / 0.075, 0 * y, 0.6 + 0 * x * y)
        rgb[leg] = shade(n, solid(wood, (h, w)) * np.float32(tone), light)[leg]
        mask |= leg
    rim = (x * x + (y - 0.58) * (y - 0.58) / 0.09 < 0.97) & (y < 0.70)
    rim = rim | (np.abs(x) < 0.985) & (np.abs(y - 0.64) < 0.06)
    n = _normals(x, 0 * y, np.sqrt(np.maximum(1 - x * x, 0)) + 0 * y)
    rgb[rim] = shade(n, solid(seat, (h, w)), light)[rim] * 0.86
    top = x * x + (y - 0.70) * (y - 0.70) / 0.085 < 0.97
    ring = lookup(tile(3, cells=16, octaves=4), y * 90, x * 12)
    n = _normals(0 * x, 0.92 + 0 * y, 0.39 + 0 * x * y)
    flat = shade(n, solid(seat, (h, w)), light, gloss=0.1)
    rgb[top] = (flat * (0.92 + 0.16 * ring)[..., None])[top]
    return sprite(np.minimum(rgb, 1), mask | rim | top, (0.13, 0.32, 0.68, 0.87))


def vessel(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A bucket, basket or bowl: a round wall that widens upward, and a dark opening."""
    squat = uniform(rng, 0.55, 1.0)
    h, w = int(side * squat) + 1, int(side * 1.1) + 1
    x, y = grid(h, w)
    lip, taper = 0.17 / squat, uniform(rng, 0.60, 0.85)
    wide = taper + (1 - taper) * (y + 1) * (1 / (2 - lip))
    across = x / wide
    bow = lip * 0.8 * np.sqrt(np.maximum(1 - across * across, 0))
    wall = (np.abs(across) < 0.98) & (y < 1 - lip) & (y > -1 + lip * 0.9 - bow)
    n = _normals(across, -0.1 + 0 * y, np.sqrt(np.maximum(1 - across * across, 0)))
    base = pick(rng, BRIGHT + MUTED + WOOD)
    strand, turns = y * 9 * squat, across * 5
    weave = (strand - np.floor(strand) < 0.5) ^ (turns - np.floor(turns) < 0.5)
    band = np.where(np.abs(y - 0.2) < 0.12, 1.25, 1.0) + 0 * x
    marks = pick(rng, (np.where(weave, 0.84, 1.06), band, np.ones((h, w))))
    albedo = np.minimum(solid(base, (h, w)) * marks[..., None], 1).astype(np.float32)
    rgb = shade(n, albedo, light, gloss=0.12)
    away = x * x + (y - 1 + lip) * (y - 1 + lip) / (lip * lip)
    rgb = np.where((away < 0.97)[..., None], solid(base, (h, w)) * 1.02, rgb)
    rgb = np.where((away < 0.80)[..., None], rgb * (0.34 + 0.25 * (1 - y))[..., None], rgb)
    return sprite(np.minimum(rgb, 1), wall | (away < 0.97), (0.3, 0.5, 0.7), lift=0.05 / squat)


def log(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A sawn log on its side: bark along it, rings at the near end."""
    h, w = int(side * 0.56) + 1, int(side * 1.7) + 1
    x, y = grid(h, w)
    end = 0.62 * (1 if chance(rng, 0.5) else -1)
    face = (x - end) * (x - end) / 0.12 + y * y
    bark_n = _normals(0.12 * np.sign(end) + 0 * x, y, np.sqrt(np.maximum(1 - y * y, 0)) + 0 * x)
    far = np.where(x * end > 0, np.abs(x) < 0.62, x * x < 0.94 - 0.2 * y * y)
    rough = lookup(tile(2, cells=32, octaves=3), y * 60, x * 26)
    bark = solid(pick(rng, BARK), (h, w)) * (0.66 + 0.66 * rough)[..., None]
    rgb = shade(bark_n, np.minimum(bark, 1).astype(np.float32), light)
    rings = face * 5
    tone = np.where(rings - np.floor(rings) < 0.3, 0.88, 1.0)[..., None]
    wood = (solid((.84, .68, .46), (h, w)) * tone).astype(np.float32)
    n = _normals(0.5 * np.sign(end) + 0 * x, 0.05 + 0 * y, 0.8 + 0 * x * y)
    flat = shade(n, wood, light)
    rgb = np.where((face < 0.86)[..., None], flat, rgb)
    mask = (face < 0.97) | (far & (np.abs(y) < 0.97))
    return sprite(rgb, mask, (0.15, 0.4, 0.6, 0.85), lift=0.08)
