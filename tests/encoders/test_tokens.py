"""Tokens against loops: their order, their positions on any grid, and the frames they are cut from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from raydist.encoders.tokens import ClassToken, Tokens, check_patches, resize_positions
from raydist.errors import DataError


def cubic(x: float) -> float:
    """The kernel of Keys (1981) with a = -3/4."""
    a, x = -0.75, abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def positions_oracle(positions: Tensor, height: int, width: int, *, grid: tuple[int, int]) -> Tensor:
    """Cell by cell; cells beyond the grid are those at its edge."""
    rows, columns = grid
    out = [positions[0]]
    for r in range(height):
        for c in range(width):
            y, x = (r + 0.5) * rows / height - 0.5, (c + 0.5) * columns / width - 0.5
            value = torch.zeros_like(positions[0])
            for i in range(int(y // 1) - 1, int(y // 1) + 3):
                for j in range(int(x // 1) - 1, int(x // 1) + 3):
                    cell = columns * min(max(i, 0), rows - 1) + min(max(j, 0), columns - 1)
                    value = value + cubic(y - i) * cubic(x - j) * positions[1 + cell]
            out.append(value)
    return torch.stack(out)


def random_positions(grid: tuple[int, int]) -> Tensor:
    return torch.randn(1 + grid[0] * grid[1], 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("grid", [(14, 14), (16, 8)])
@pytest.mark.parametrize("size", [(18, 9), (16, 8), (4, 2), (1, 1), (14, 14), (20, 15)])
def test_positions_are_resized_bicubically(size: tuple[int, int], grid: tuple[int, int]):
    positions = random_positions(grid)
    resized = resize_positions(positions, *size, grid=grid)
    assert torch.allclose(resized, positions_oracle(positions, *size, grid=grid), atol=1e-5)
    assert torch.equal(resized[0], positions[0])


@pytest.mark.parametrize("grid", [(14, 14), (16, 8)])
def test_positions_of_the_published_grid_are_not_touched(grid: tuple[int, int]):
    positions = random_positions(grid)
    assert torch.equal(resize_positions(positions, *grid, grid=grid), positions)


def test_the_class_token_comes_first_and_patches_row_by_row():
    layer = Tokens(2, grid=(2, 3))
    with torch.no_grad():
        layer.class_embedding.copy_(torch.tensor([70.0, 71.0]))
        layer.positional_embedding.copy_(torch.arange(7.0).unsqueeze(1).expand(-1, 2) / 10)
        tokens = layer(torch.arange(12.0).view(1, 2, 2, 3))
    expected = [[70.0, 71.0], [0.1, 6.1], [1.2, 7.2], [2.3, 8.3], [3.4, 9.4], [4.5, 10.5], [5.6, 11.6]]
    assert torch.allclose(tokens[0], torch.tensor(expected))


def test_of_all_tokens_the_class_token_is_read():
    layer = ClassToken(4, 0.0)
    tokens = torch.tensor([[[1.0, 3.0, 1.0, 3.0], [5.0, 6.0, 7.0, 9.0]]])
    assert layer(tokens).shape == (1, 4, 1, 1)
    assert torch.allclose(layer(tokens).flatten(), torch.tensor([-1.0, 1.0, -1.0, 1.0]))


@pytest.mark.parametrize("size", [(100, 48), (48, 100), (8, 8)])
def test_frames_that_do_not_divide_into_patches_are_refused(size: tuple[int, int]):
    with pytest.raises(DataError, match=rf"frames of {size[0]} x {size[1]} pixels: .* multiples of 16"):
        check_patches(torch.zeros(1, 3, *size))
