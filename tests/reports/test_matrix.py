import numpy as np

from raydist.reports.association import association
from raydist.reports.matrix import LEFT, SIZE, draw_matrix


def test_each_cell_shows_its_pair(table):
    shown = association(table, table.identity.copy())
    matrix = draw_matrix(shown)
    count = len(shown.visible)
    assert len(matrix.cells) == len(matrix.marks) == count**2
    shades = np.array([cell.shade for cell in matrix.cells]).reshape(count, count)
    assert np.argsort(shades, axis=None)[-1] == np.argsort(shown.similarity, axis=None)[-1]
    assert (shades.min(), shades.max()) == (0, 1)
    assert [cell.is_partner for cell in matrix.cells] == np.eye(count, dtype=bool).ravel().tolist()
    row, column = 2, 5
    assert matrix.marks[row * count + column].text == (
        f"visible cluster {shown.visible.number[row]}, 2 tracklets, mostly identity "
        f"{shown.visible.identity[row]}\n"
        f"infrared cluster {shown.infrared.number[column]}, 2 tracklets, mostly identity "
        f"{shown.infrared.identity[column]}\nsimilarity {shown.similarity[row, column]:.2f}"
    )
    assert all(LEFT <= cell.left <= SIZE - matrix.edge + 0.5 for cell in matrix.cells)
