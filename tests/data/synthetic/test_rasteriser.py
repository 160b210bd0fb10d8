import numpy as np
import pytest

from raydist.data.synthetic.dressing import Looks
from raydist.data.synthetic.projection import Strokes
from raydist.data.synthetic.rasteriser import Canvas, Light, Window, paint_figure
from raydist.data.synthetic.walking import Part
from raydist.types import Modality

H, W = 24, 20
NUM_PARTS = len(Part)


def blank(num_frames: int, modalities: tuple[Modality, ...] = tuple(Modality)) -> Canvas:
    shapes = {Modality.VISIBLE: (num_frames, H, W, 3), Modality.INFRARED: (num_frames, H, W)}
    layers = {modality: np.full(shapes[modality], 0.5, np.float32) for modality in modalities}
    return Canvas(layers, np.zeros((num_frames, H, W), np.float32), np.ones((H, W), np.float32))


def one_stroke(part: Part, start: np.ndarray, end: np.ndarray, radii: np.ndarray) -> Strokes:
    """Strokes [T] of a single part."""
    num_frames = len(start)
    full = [np.zeros((num_frames, NUM_PARTS, 2), np.float32) for _ in range(3)]
    for array, values in zip(full, (start, end, radii), strict=True):
        array[:, part] = values
    order = np.array([k for k in range(NUM_PARTS) if k != part] + [int(part)])
    return Strokes(*full, np.tile(order, (num_frames, 1)), NUM_PARTS - 1)


def looks(
    visible: float = 0.8, infrared: float = 0.2, pattern: tuple[float, ...] = (0, 0, 1, 1, -1, 0)
) -> Looks:
    return Looks(
        np.stack([np.full((NUM_PARTS, 3), visible), np.zeros((NUM_PARTS, 3))], 1).astype(np.float32),
        np.stack([np.full(NUM_PARTS, infrared), np.zeros(NUM_PARTS)], 1).astype(np.float32),
        np.tile(np.array(pattern, np.float32), (NUM_PARTS, 1)),
    )


def slow_mask(start: np.ndarray, end: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """One frame, pixel by pixel: the nearest of many discs along the segment."""
    mask = np.zeros((H, W))
    for y in range(H):
        for x in range(W):
            u = np.linspace(0, 1, 2001)
            distance = np.hypot(
                *(np.array([[x + 0.5], [y + 0.5]]) - start[:, None] - u * (end - start)[:, None])
            )
            nearest = distance.argmin()
            mask[y, x] = np.clip(
                0.5 + radii[0] + (radii[1] - radii[0]) * u[nearest] - distance[nearest], 0, 1
            )
    return mask


def test_coverage_equals_the_pixel_by_pixel_oracle() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.uniform(-3, 23, (5, 2)), rng.uniform(-3, 23, (5, 2))
    radii = rng.uniform(0.5, 5, (5, 2))
    canvas = blank(5)
    paint_figure(canvas, one_stroke(Part.L_SHIN, start, end, radii), looks(), np.zeros(5), Light(0.2, 0.5))
    for t in range(5):
        np.testing.assert_allclose(canvas.mask[t], slow_mask(start[t], end[t], radii[t]), atol=0.01)


def test_frames_do_not_influence_each_other() -> None:
    rng = np.random.default_rng(1)
    start, end, radii = rng.uniform(0, 20, (4, 2)), rng.uniform(0, 20, (4, 2)), rng.uniform(1, 4, (4, 2))
    yaw, printed = rng.uniform(0, 6, 4), looks(pattern=(0.6, 0.6, 3, 2, 0, 0.1))
    together = blank(4)
    paint_figure(together, one_stroke(Part.TORSO, start, end, radii), printed, yaw, Light(-0.3, 0.6))
    for t in range(4):
        alone = blank(1)
        strokes = one_stroke(Part.TORSO, start[t : t + 1], end[t : t + 1], radii[t : t + 1])
        paint_figure(alone, strokes, printed, yaw[t : t + 1], Light(-0.3, 0.6))
        for modality in Modality:
            np.testing.assert_allclose(alone.layers[modality][0], together.layers[modality][t], atol=1e-6)


def test_one_geometry_for_both_modalities() -> None:
    strokes = one_stroke(Part.HEAD, np.array([[10.0, 8.0]]), np.array([[10.0, 9.0]]), np.array([[4.0, 4.0]]))
    both = blank(1)
    paint_figure(both, strokes, looks(), np.zeros(1), Light(0.0, 0.5))
    for modality in Modality:
        alone = blank(1, (modality,))
        paint_figure(alone, strokes, looks(), np.zeros(1), Light(0.0, 0.5))
        np.testing.assert_array_equal(alone.layers[modality], both.layers[modality])
        changed = (both.layers[modality] != 0.5).reshape(1, H, W, -1).any(-1)
        np.testing.assert_array_equal(changed, both.mask > 0)
    assert both.layers[Modality.VISIBLE][0, 8, 10, 0] > 0.7
    assert both.layers[Modality.INFRARED][0, 8, 10] == pytest.approx(0.2, abs=0.02)


def test_who_walks_in_front_hides_the_walker() -> None:
    canvas = blank(1)
    canvas.mask[:] = 1
    strokes = one_stroke(
        Part.TORSO, np.array([[10.0, 4.0]]), np.array([[10.0, 20.0]]), np.array([[3.0, 3.0]])
    )
    paint_figure(canvas, strokes, looks(), np.zeros(1), Light(0.0, 0.5), is_walker=False)
    assert canvas.mask[0, 12, 10] == 0
    assert canvas.mask[0, 12, 0] == 1


def test_strokes_outside_the_picture_change_nothing() -> None:
    canvas = blank(2)
    far = np.full((2, 2), -50.0)
    paint_figure(
        canvas, one_stroke(Part.BAG, far, far, np.ones((2, 2))), looks(), np.zeros(2), Light(0.0, 0.5)
    )
    assert not canvas.mask.any()


def test_frames_of_a_canvas_are_views() -> None:
    canvas = blank(5)
    light = {
        Modality.VISIBLE: np.ones((1, 1, 1, 3), np.float32),
        Modality.INFRARED: np.ones((1, 1, 1), np.float32),
    }
    canvas.frames(1, 3).blend(Window(0, H, 0, W), np.ones((2, H, W), np.float32), light, is_walker=True)
    assert canvas.mask.mean((1, 2)).tolist() == [0, 1, 1, 0, 0]
    assert canvas.layers[Modality.INFRARED].mean((1, 2)).tolist() == [0.5, 1, 1, 0.5, 0.5]
