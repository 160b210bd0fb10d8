from collections.abc import Callable

import numpy as np

from raydist.data.synthetic.cameras import draw_camera
from raydist.data.synthetic.sensors import expose_infrared, expose_visible
from raydist.data.synthetic.settings import WorldSettings

Tiny = Callable[..., WorldSettings]


def test_more_light_gives_larger_bytes(tiny: Tiny) -> None:
    camera = draw_camera(1, tiny(), 0)
    ramp = np.linspace(0, 0.4, 32, dtype=np.float32)[None, :, None] * np.ones((2, 1, 16), np.float32)
    visible = expose_visible(np.repeat(ramp[..., None], 3, 3), camera, np.random.default_rng(0), 0.0)
    infrared = expose_infrared(ramp, camera, np.random.default_rng(0), 0.0, np.zeros(2))
    assert visible.dtype == infrared.dtype == np.uint8
    assert (np.diff(visible[0, :, 8, 1].astype(int)) >= 0).all()
    assert (np.diff(infrared[0, :, 8].astype(int))[:-8] >= 0).all()


def test_exposure_depends_on_the_first_frame_alone(tiny: Tiny) -> None:
    camera = draw_camera(1, tiny(), 0)
    frames = np.random.default_rng(0).random((4, 32, 16), np.float32)
    changed = frames.copy()
    changed[2:] = 0
    first, second = (
        expose_infrared(f, camera, np.random.default_rng(1), 0.02, np.zeros(4)) for f in (frames, changed)
    )
    np.testing.assert_array_equal(first[:2], second[:2])


def test_who_walks_towards_the_lamp_grows_brighter(tiny: Tiny) -> None:
    camera = draw_camera(1, tiny(), 0)
    frames = np.full((12, 32, 16), 0.3, np.float32)
    towards, away = (
        expose_infrared(frames, camera, np.random.default_rng(1), 0.0, np.full(12, yaw)) for yaw in (0, np.pi)
    )
    assert towards[-1].mean() > towards[0].mean()
    assert away[-1].mean() < away[0].mean()
