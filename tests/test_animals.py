"""The animals of PetScenes: exact masks, equal bits from equal seeds, no color that tells."""
import ast
import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from skimage.measure import label

import coursekit.data.scenes as scenes
from coursekit.data.scenes.animals import KINDS, draw_animal
from coursekit.data.scenes.fur import COLORS, PATTERNS, Coat, random_coat
from coursekit.data.scenes.light import HOURS, Light, random_light, shade, turn, unit
from coursekit.data.scenes.raster import rasterize
from coursekit.data.scenes.solids import IDENTITY, Model

NOON = Light(unit((-0.4, 0.7, 0.6)), (1.0, 1.0, 0.9), (0.4, 0.45, 0.5), (0.2, 0.2, 0.15))
EVERY_POSE = sorted({(kind, pose) for kind, (_, poses) in KINDS.items() for pose in poses})


def drawn(kind: str, seed: int, side: float = 96, light: Light = NOON, **wishes):
    return draw_animal(kind, Generator(PCG64(seed)), side, light, **wishes)


def digest(sprite) -> str:
    pixels = (sprite.rgb * 255 + 0.5).astype(np.uint8)
    return hashlib.sha256(pixels.tobytes() + sprite.mask.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("kind, pose", EVERY_POSE)
def test_every_pose_gives_one_cropped_animal_of_the_wanted_size(kind, pose):
    sprite = drawn(kind, 11, pose=pose)
    H, W = sprite.mask.shape
    assert sprite.mask.dtype == bool and sprite.rgb.shape == (H, W, 3)
    edges = sprite.mask[0], sprite.mask[-1], sprite.mask[:, 0], sprite.mask[:, -1]
    assert all(edge.any() for edge in edges)
    assert abs(math.sqrt(H * W) / 96 - 1) < 0.02
    parts = label(sprite.mask, connectivity=2)
    assert np.bincount(parts[parts > 0]).max() > 0.985 * sprite.mask.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_colors_are_finite_lit_inside_the_mask_and_zero_outside(kind):
    sprite = drawn(kind, 5)
    assert sprite.rgb.dtype == np.float32 and np.isfinite(sprite.rgb).all()
    assert sprite.rgb.min() >= 0 and sprite.rgb.max() <= 1
    assert (sprite.rgb[~sprite.mask] == 0).all() and sprite.rgb[sprite.mask].std() > 0.03


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("yaw", [0, 0.5, 1, 2, 3, -1.3, 17.25])
def test_every_view_stands_on_its_feet(kind, yaw):
    sprite = drawn(kind, 3, yaw=yaw)
    H, W = sprite.mask.shape
    assert len(sprite.feet) >= 2
    assert all(-0.05 * W < x < 1.05 * W and 0.6 * H < y < 1.1 * H for x, y in sprite.feet)
    assert sprite.height[sprite.mask].min() > -0.06 * H


@pytest.mark.parametrize("side", [24, 48, 64, 150.5, 256])
def test_the_box_has_the_wanted_side(side):
    for seed, kind in enumerate(KINDS):
        H, W = drawn(kind, seed, side).mask.shape
        assert abs(math.sqrt(H * W) - side) <= max(0.02 * side, 2.0)


def test_the_shape_is_the_same_at_every_size():
    for seed, kind in enumerate(KINDS):
        small, large = drawn(kind, seed, 60).mask, drawn(kind, seed, 240).mask
        rows = (np.arange(60) + 0.5) / 60
        sampled = [m[(rows * m.shape[0]).astype(int)][:, (rows * m.shape[1]).astype(int)]
                   for m in (small, large)]
        both, either = (sampled[0] & sampled[1]).sum(), (sampled[0] | sampled[1]).sum()
        assert both / either > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_the_mask_depends_on_neither_light_nor_coat(kind):
    first = drawn(kind, 8)
    white = Coat(*[(0.9, 0.9, 0.9)] * 4, "solid", 0.0, 0.5, 0.5, 8.0)
    others = drawn(kind, 8, light=random_light(Generator(PCG64(1)))), drawn(kind, 8, coat=white)
    for other in others:
        assert (first.mask == other.mask).all() and not (first.rgb == other.rgb).all()


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_bits_and_unequal_seeds_another_animal(kind):
    assert digest(drawn(kind, 2)) == digest(drawn(kind, 2)) != digest(drawn(kind, 4))


DIGESTS = {  # of the 8-bit sprite and its mask, at side 128
    ("cat", 0): "ca495f6067678518", ("cat", 1): "32e32ce72ce1bfb7",
    ("cat", 2): "f096341c6007dac7",
    ("dog", 0): "e40f763accd9dc98", ("dog", 1): "63363390f35b6a37",
    ("dog", 2): "809d50f1bf98f534",
    ("rabbit", 0): "eed31ce508ef75aa", ("rabbit", 1): "f6cb0564f93d0b40",
    ("rabbit", 2): "a82a3e7f65e2b524",
}


@pytest.mark.parametrize("kind, seed", DIGESTS)
def test_the_drawing_has_the_bits_that_were_committed(kind, seed):
    assert digest(drawn(kind, seed, 128)) == DIGESTS[kind, seed]


def test_coats_are_drawn_without_knowing_the_kind():
    seeds = range(3)
    coats = [random_coat(Generator(PCG64(seed))) for seed in seeds]
    assert coats == [random_coat(Generator(PCG64(seed))) for seed in seeds]
    assert "kind" not in random_coat.__annotations__ and len(set(coats)) == 3


def test_mean_colors_of_the_kinds_are_close():
    means = []
    for kind in KINDS:
        sprites = [drawn(kind, seed, 24) for seed in range(60)]
        means.append(np.mean([s.rgb[s.mask].mean(axis=0) for s in sprites], axis=0))
    assert max(np.abs(a - b).max() for a in means for b in means) < 0.06


def test_every_coat_takes_the_same_count_of_numbers():
    def state(seed, draw):
        rng = Generator(PCG64(seed))
        draw(rng)
        return rng.bit_generator.state["state"]
    for seed in range(40):
        def plain(rng):
            for span in (len(COLORS), len(COLORS), len(PATTERNS)):
                rng.integers(span)
            rng.random(8)
        assert state(seed, random_coat) == state(seed, plain)


def test_a_ball_has_the_depth_normal_and_outline_of_a_ball():
    model = Model()
    model.cone((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.5, 0.5)
    b = rasterize(model, IDENTITY, -1.0, 1.0, (40, 40), 20.0)
    x, y = b.xs[None, :], b.ys[:, None]
    inside = x * x + y * y < 0.25
    assert ((b.inside > 0) == inside).all()
    depth = np.sqrt(np.maximum(0.25 - x * x - y * y, 0))
    np.testing.assert_allclose(b.depth[inside], depth[inside], atol=1e-4)
    np.testing.assert_allclose(b.channels[..., 0][inside], (2 * x + 0 * y)[inside], atol=1e-4)


def test_a_round_cone_lies_on_the_balls_that_it_sweeps():
    model = Model()
    a, b, ra, rb = (-0.4, -0.1, -0.2), (0.3, 0.2, 0.5), 0.3, 0.15
    model.cone(a, b, ra, rb)
    out = rasterize(model, IDENTITY, -1.0, 1.0, (50, 50), 25.0)
    best = np.full((50, 50), -np.inf)
    for t in np.linspace(0, 1, 2001):                        # the union of many balls, one by one
        c, r = [p + t * (q - p) for p, q in zip(a, b, strict=True)], ra + t * (rb - ra)
        root = r * r - (out.xs[None] - c[0]) ** 2 - (out.ys[:, None] - c[1]) ** 2
        best = np.maximum(best, np.where(root > 0, c[2] + np.sqrt(np.maximum(root, 0)), -np.inf))
    inside = out.inside > 0.002
    assert (np.isfinite(best) | ~inside).all()
    np.testing.assert_allclose(out.depth[inside], best[inside], atol=2e-3)


def test_an_ellipsoid_is_as_wide_as_its_half_axes_say():
    model = Model()
    model.ball((0.0, 0.0, 0.0), (0.8, 0.3, 0.5))
    b = rasterize(model, IDENTITY, -1.0, 1.0, (100, 100), 50.0)
    mask = b.inside > 0
    assert mask.any(axis=0).sum() == 80 and mask.any(axis=1).sum() == 30
    assert b.depth.max() == pytest.approx(0.5, abs=2e-3)


def test_a_turn_is_a_point_of_the_circle_and_close_to_the_angle():
    for quarters in np.linspace(-5, 5, 101):
        c, s = turn(float(quarters))
        assert c * c + s * s == pytest.approx(1, abs=1e-12)
        assert c == pytest.approx(math.cos(quarters * math.pi / 2), abs=2e-3)
        assert s == pytest.approx(math.sin(quarters * math.pi / 2), abs=2e-3)


def test_shade_is_brighter_toward_the_sun_and_takes_any_leading_shape():
    toward, away = np.array([NOON.direction]), -np.array([NOON.direction])
    gray = np.full((1, 3), 0.5)
    assert (shade(toward, gray, NOON) > shade(away, gray, NOON)).all()
    assert shade(np.zeros((0, 4, 3)), np.zeros((0, 4, 3)), NOON).shape == (0, 4, 3)


@pytest.mark.parametrize("hour", [None, *HOURS])
def test_a_random_light_is_a_unit_vector_above_the_horizon(hour):
    for seed in range(20):
        light = random_light(Generator(PCG64(seed)), hour)
        assert sum(v * v for v in light.direction) == pytest.approx(1)
        assert light.direction[1] > 0.1 and light.direction[2] > 0


@pytest.mark.parametrize("wrong, message", [
    ({"kind": "horse"}, "kind is 'horse', but one of cat, dog, rabbit was wanted: choose"),
    ({"side": 2}, "side is 2, but a number of pixels from 8 to 4096 was wanted: draw"),
    ({"side": float("nan")}, "side is nan, but a number of pixels"),
    ({"side": "64"}, "side is '64', but a number of pixels"),
    ({"yaw": math.inf}, "yaw is inf, but a finite number of right angles was wanted: 0 faces"),
    ({"pose": "fly"}, "pose is 'fly', but a cat can bow, lie, loaf, sit, stand, walk: choose"),
])
def test_bad_wishes_are_named(wrong, message):
    wishes = {"kind": "cat", "seed": 0, **wrong}
    with pytest.raises(ValueError, match=message):
        drawn(**wishes)


def test_bad_lights_are_named():
    with pytest.raises(ValueError, match="hour is 'dawn', but one of noon, evening"):
        random_light(Generator(PCG64(0)), "dawn")
    with pytest.raises(ValueError, match=r"normals \(2, 3\) and albedo \(3, 3\) came, but two eq"):
        shade(np.zeros((2, 3)), np.zeros((3, 3)), NOON)


INEXACT = set("""exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh arcsin arccos arctan
    arctan2 asin acos atan atan2 hypot power float_power pow cbrt dot vdot inner outer matmul einsum
    tensordot linalg fft convolve correlate interp sum mean average std var nansum nanmean fsum
    trapezoid gradient""".split())                     # of np and math
INEXACT_METHODS = set("""dot sum mean std var normal standard_normal choice shuffle permutation
    permuted exponential resize rotate filter""".split())
EXACT_POWERS = {"2 ** 62", "(2 * radius + 1) ** 4"}     # of Python's own integers


def inexact(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        library = isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy", "math")
        return node.attr in (INEXACT if library else INEXACT_METHODS)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult | ast.Pow):
        return ast.unparse(node) not in EXACT_POWERS
    return False


@pytest.mark.parametrize("path", sorted(Path(scenes.__file__).parent.glob("*.py")),
                         ids=lambda path: path.stem)
def test_scenes_use_exactly_rounded_operations_only(path):
    found = [f"line {node.lineno}: {ast.unparse(node)}"
             for node in ast.walk(ast.parse(path.read_text())) if inexact(node)]
    assert not found, f"{path.name}: {found}; use + - * / and sqrt, element by element"


@pytest.mark.parametrize("code", ["np.exp(x)", "x @ y", "x ** 2", "x.sum()", "rng.normal()",
                                  "math.sin(1)", "np.linalg.inv(m)"])
def test_the_guard_sees_inexact_code(code):
    assert any(inexact(node) for node in ast.walk(ast.parse(code)))
