from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from raydist.data.synthetic.cameras import cloudy, draw_camera
from raydist.data.synthetic.settings import WorldSettings

Tiny = Callable[..., WorldSettings]


def test_cameras_are_a_function_of_number_and_seed(tiny: Tiny) -> None:
    first, again, other = (draw_camera(k, tiny(), 0) for k in (1, 1, 2))
    for name, value in asdict(first).items():
        np.testing.assert_array_equal(value, getattr(again, name))
    assert not np.array_equal(first.visible, other.visible)


def test_scenes_are_albedos_of_the_promised_size(tiny: Tiny) -> None:
    for k in range(1, 12):
        camera = draw_camera(k, tiny(), 0)
        assert camera.visible.shape == (64, 192, 3)
        assert camera.infrared.shape == (64, 192)
        for scene in (camera.visible, camera.infrared):
            assert scene.dtype == np.float32
            assert scene.min() >= np.float32(0.01)
            assert scene.max() <= 1
        assert 0 < camera.horizon < 64


def test_without_clutter_wall_and_ground_are_flat(tiny: Tiny) -> None:
    camera = draw_camera(3, tiny(clutter=0), 0)
    assert len(np.unique(camera.infrared)) == 2


def test_cloudy_noise_is_normalised() -> None:
    assert np.isclose(cloudy(np.random.default_rng(0), (40, 30)).std(), 1, atol=1e-4)
