import numpy as np
import pytest

from raydist.data.synthetic.degradation import cover_with_thing, draw_boxes, draw_span, through_lens
from raydist.data.synthetic.rasteriser import Canvas
from raydist.types import Modality


def test_boxes_without_jitter_stand_still() -> None:
    boxes = draw_boxes(np.random.default_rng(0), 20, 64, 32, 0.0)
    assert np.ptp(boxes.scale) == np.ptp(boxes.centre) == np.ptp(boxes.ground) == 0
    assert boxes.centre[0] == 16
    assert boxes.frames(3, 8).scale.shape == (5,)


def test_box_errors_drift() -> None:
    centre = draw_boxes(np.random.default_rng(0), 4000, 64, 32, 1.0).centre - 16
    assert np.corrcoef(centre[:-1], centre[1:])[0, 1] == pytest.approx(0.8, abs=0.05)
    assert centre.std() == pytest.approx(0.018 * 64, rel=0.15)


@pytest.mark.parametrize("num_frames", [1, 2, 12, 30])
def test_spans_lie_inside_the_pass(num_frames: int) -> None:
    for k in range(50):
        start, stop = draw_span(np.random.default_rng(k), num_frames)
        assert 0 <= start < stop <= num_frames


def test_things_cover_a_part_of_the_picture_in_both_modalities() -> None:
    for k in range(12):
        layers = {
            Modality.VISIBLE: np.zeros((6, 32, 16, 3), np.float32),
            Modality.INFRARED: np.zeros((6, 32, 16), np.float32),
        }
        canvas = Canvas(layers, np.ones((6, 32, 16), np.float32), np.ones((32, 16), np.float32))
        cover_with_thing(canvas, np.random.default_rng(k), np.full(6, 0.5))
        hidden = canvas.mask == 0
        assert 0 < hidden.mean() < 0.7
        assert (layers[Modality.VISIBLE][hidden] > 0).all()
        assert (layers[Modality.INFRARED][hidden] > 0).all()
        assert not layers[Modality.INFRARED][canvas.mask == 1].any()


def test_the_lens_blurs_and_keeps_the_mean() -> None:
    frames = np.random.default_rng(0).random((3, 64, 32, 3), np.float32)
    np.testing.assert_array_equal(through_lens(frames, 0.0, None), frames)
    for blur, far in ((1.0, None), (0.0, 0.5)):
        seen = through_lens(frames, blur, far)
        assert seen.shape == frames.shape
        assert seen.std() < 0.7 * frames.std()
        assert seen.mean() == pytest.approx(frames.mean(), abs=0.01)
