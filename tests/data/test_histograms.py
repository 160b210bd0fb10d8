import numpy as np

from raydist.data.histograms import NUM_BANDS, NUM_BINS, grey_histograms


class TwoTracklets:
    """One all black, one black above and white below."""

    num_frames = np.array([3, 3])

    def __len__(self):
        return 2

    def read(self, rows, frame_indices):
        pixels = np.zeros((len(rows), frame_indices.shape[1], 3, 12, 4), np.uint8)
        pixels[rows == 1, :, :, 6:] = 255
        return pixels


def test_bands_and_bins_are_where_they_should_be():
    black, split = grey_histograms(TwoTracklets()).reshape(2, NUM_BANDS, NUM_BINS)
    assert np.allclose(black[:, 0] ** 2, 1 / NUM_BANDS)
    assert np.allclose(split[:3, 0] ** 2, 1 / NUM_BANDS)
    assert np.allclose(split[3:, -1] ** 2, 1 / NUM_BANDS)


def test_rows_are_of_unit_length():
    assert np.allclose(np.linalg.norm(grey_histograms(TwoTracklets()), axis=1), 1)
