"""The published views: what they draw, and one picture through all of it in the published order."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.data.transforms import published
from raydist.data.transforms.after_normalising import NormalisedChange
from raydist.data.transforms.augment import LUMA, ClipAugment, draw_params
from raydist.data.transforms.colour_jitter import jitter_colours
from raydist.data.transforms.colour_maps import colour_tables
from raydist.data.transforms.rendering import apply
from raydist.types import IMAGENET, Modality

ALL = {name: value for name, value in vars(published).items() if isinstance(value, ClipAugment)}
EVERY = pytest.mark.parametrize("name", ALL)
HEIGHT, WIDTH = 48, 24


def drawn(augment, *, count, modality=Modality.INFRARED, seed=0):
    rng = np.random.default_rng(seed)
    return [draw_params(augment, modality, rng) for _ in range(count)]


def frames(count, *, seed=1):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (count, 1, 3, HEIGHT, WIDTH), np.uint8))


def jittered(picture, params):
    return (
        jitter_colours(torch.from_numpy(picture)[None, None], [params.jitter])[0, 0].numpy().astype(np.uint8)
    )


def slowly(picture: np.ndarray, params, slow_change) -> np.ndarray:
    """[jitter] pad and crop, flip, [jitter], [colour maps], normalise, erase, channels: uint8 [3, H, W]."""
    if params.jitter is not None and params.jitter_first:
        picture = jittered(picture, params)
    down, right = round(params.down * HEIGHT), round(params.right * HEIGHT)
    pad = 12
    padded = np.pad(picture, ((0, 0), (pad, pad), (pad, pad)))
    picture = padded[:, pad - down : pad - down + HEIGHT, pad - right : pad - right + WIDTH]
    if params.flip:
        picture = picture[:, :, ::-1]
    picture = np.ascontiguousarray(picture)
    if params.jitter is not None and not params.jitter_first:
        picture = jittered(picture, params)
    if params.colour_maps is not None:
        luma = np.rint(np.tensordot(np.float32(LUMA[::-1]), picture.astype(np.float32), 1)).astype(int)
        table = colour_tables([params.colour_maps])[0].numpy()
        picture = np.stack([table[channel][luma] for channel in range(3)])
    return slow_change(picture / 255, params.normalised, IMAGENET)


@EVERY
@pytest.mark.parametrize("modality", list(Modality))
def test_the_encoder_sees_what_the_published_order_gives(name, modality, normalised, slow_change):
    strong = replace(ALL[name], shift=0.2)
    params, pictures = drawn(strong, count=24, modality=modality), frames(24)
    seen = normalised(apply(pictures, params)[:, 0], IMAGENET)
    expected = np.stack(
        [slowly(p[0].numpy(), of, slow_change) for p, of in zip(pictures, params, strict=True)]
    )
    # a luma may fall on either side of a half level in another order of summation
    close = np.isclose(seen, expected, atol=1e-5)
    assert close.mean() > (0.99 if "COLOUR_MAPS" in name else 1 - 1e-12)


@EVERY
def test_what_each_view_is_made_of(name):
    params = drawn(ALL[name], count=300)
    assert {p.jitter is not None for p in params} == {"JITTERED" in name}
    assert {p.jitter_first for p in params} == {name.startswith("FIRST_JITTERED")}
    assert {p.colour_maps is not None for p in params} == {"COLOUR_MAPS" in name}
    assert all(p.box is None and p.grey is None and p.swap is None for p in params)
    boxes = [p.normalised.box for p in params if p.normalised.box is not None]
    assert {box.noise is not None for box in boxes} == {name.startswith("NOISY")}
    assert len({box.noise for box in boxes}) == (len(boxes) if name.startswith("NOISY") else 1)
    greys = {p.normalised.grey for p in params}
    channels = {(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)}
    kinds = {"EXCHANGE": channels, "ADAPTIVE_GREY": channels | {LUMA, None}}
    assert greys == next((kind for end, kind in kinds.items() if name.endswith(end)), {None})


def test_adaptive_grey_has_the_published_probabilities():
    """One of four each: a channel, or luma every other time."""
    counts = Counter(p.normalised.grey for p in drawn(published.ADAPTIVE_GREY, count=8000))
    for channel in np.eye(3).tolist():
        assert counts[tuple(channel)] == pytest.approx(2000, abs=150)
    assert counts[LUMA] == pytest.approx(1000, abs=120)
    assert counts[None] == pytest.approx(1000, abs=120)


def test_every_place_of_the_crop_is_as_likely():
    params = drawn(published.BASE, count=21_000)
    for moves in ([p.down for p in params], [p.right for p in params]):
        counts = Counter(np.rint(np.array(moves) * 288).astype(int).tolist())
        assert sorted(counts) == list(range(-10, 11))
        assert min(counts.values()) > 850
        assert max(counts.values()) < 1150
    assert np.mean([p.flip for p in params]) == pytest.approx(0.5, abs=0.02)


def boxes_by_the_loop(area, *, even, tries, count, seed=5):
    """Share and aspect of boxes as a loop of single draws finds them at 288 x 144."""
    rng, boxes = np.random.default_rng(seed), []
    while len(boxes) < count:
        for _ in range(tries):
            target = rng.uniform(*area) * 288 * 144
            aspect = rng.uniform(0.3, 1 / 0.3) if even else np.exp(rng.uniform(np.log(0.3), -np.log(0.3)))
            tall, wide = round(np.sqrt(target * aspect)), round(np.sqrt(target / aspect))
            if tall < 288 and wide < 144:
                boxes.append((tall, wide, rng.integers(0, 288 - tall + 1), rng.integers(0, 144 - wide + 1)))
                break
    return np.array(boxes)


@pytest.mark.parametrize(
    ("name", "area", "even", "tries"),
    [("BASE", (0.02, 0.4), True, 100), ("NOISY", (0.02, 0.5), False, 10)],
)
def test_boxes_have_the_published_distribution(name, area, even, tries):
    params = drawn(ALL[name], count=8000)
    boxes = [p.normalised.box for p in params if p.normalised.box is not None]
    assert len(boxes) == pytest.approx(4000, abs=160)
    placed = [box.pixels(288, 144) for box in boxes]
    assert sum(place is None for place in placed) <= (0 if even else 40)
    ours = np.array([place for place in placed if place is not None])[:, [2, 3, 0, 1]]
    loop = boxes_by_the_loop(area, even=even, tries=tries, count=8000)
    for column in range(4):
        assert np.mean(ours[:, column]) == pytest.approx(np.mean(loop[:, column]), rel=0.04)
        quantiles = [np.quantile(part[:, column], [0.1, 0.5, 0.9]) for part in (ours, loop)]
        assert quantiles[0] == pytest.approx(quantiles[1], abs=8)


def test_a_jitter_before_the_crop_leaves_its_border_black():
    pictures, white = frames(40) // 2 + 100, torch.full_like(frames(40), 255)
    params = drawn(ClipAugment(shift=0.2, jitter=0.5, jitter_first=True, normalised=True), count=40)
    border = apply(white, [p._replace(jitter=None) for p in params]) == 0
    assert border.any()
    assert (apply(pictures, params)[border] == 0).all()
    later = apply(pictures, [p._replace(jitter_first=False) for p in params])
    assert (later[border] != 0).any()  # contrast blends the border with the mean


def test_a_view_without_a_change_is_the_picture():
    params = [p for p in drawn(published.BASE, count=200) if p.normalised == NormalisedChange()]
    still = [p._replace(down=0.0, right=0.0, flip=False) for p in params]
    pictures = frames(len(still))
    assert len(still) > 50
    assert torch.equal(apply(pictures, still), pictures / 255)
