import numpy as np

from raydist.data.synthetic.projection import place, project
from raydist.data.synthetic.walking import Figure, Part

HEAD, FOOT = np.array([0.0, 0.0, 1.0]), np.array([0.3, 0.1, 0.0])


def pole(yaw: list[float]) -> Figure:
    figure = Figure(len(yaw))
    figure.put(Part.TORSO, np.array([0.0, 0.0, 0.5]), HEAD, (0.2, 0.1), (0.05, 0.05))
    figure.put(Part.L_FOOT, np.array([0.0, 0.1, 0.0]), FOOT, (0.02, 0.02))
    return figure


def test_level_camera_sees_height_upwards_and_turns_the_body() -> None:
    yaw = np.array([0.0, np.pi / 2, np.pi])
    strokes = project(pole(list(yaw)), yaw, 0.0, 2.0)
    np.testing.assert_allclose(strokes.end[:, Part.TORSO], [[0, -2]] * 3, atol=1e-6)
    # Walking towards the camera, to the right, away: the foot is ahead by 0.3 and to the body's left by 0.1.
    np.testing.assert_allclose(strokes.end[:, Part.L_FOOT, 0], [0.2, 0.6, -0.2], atol=1e-6)
    np.testing.assert_allclose(strokes.radii[:, Part.TORSO, 0], [0.4, 0.1, 0.4], atol=1e-6)


def test_looking_down_lowers_what_is_near() -> None:
    strokes = project(pole([0.0]), np.zeros(1), 0.3, 1.0)
    assert strokes.end[0, Part.L_FOOT, 1] > strokes.start[0, Part.L_FOOT, 1]


def test_order_paints_absent_parts_never_and_near_ones_last() -> None:
    strokes = project(pole([0.0, np.pi]), np.array([0.0, np.pi]), 0.0, 1.0)
    assert strokes.num_absent == len(Part) - 2
    assert strokes.order[:, strokes.num_absent :].tolist() == [
        [Part.TORSO, Part.L_FOOT],
        [Part.L_FOOT, Part.TORSO],
    ]


def test_place_puts_the_trunk_at_the_centre_and_the_ground_where_it_is() -> None:
    scale, centre, ground = np.array([50.0]), np.array([16.0]), np.array([60.0])
    strokes = place(project(pole([0.0]), np.zeros(1), 0.0, 1.0), scale, centre, ground)
    np.testing.assert_allclose(strokes.end[0, Part.TORSO], [16, 10], atol=1e-4)
    np.testing.assert_allclose(strokes.start[0, Part.L_FOOT, 1], 60, atol=1e-4)
    np.testing.assert_allclose(strokes.radii[0, Part.TORSO], [10, 5], atol=1e-4)
