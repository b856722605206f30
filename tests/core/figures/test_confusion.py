import numpy as np

from tmnet_core.figures.confusion import draw_confusion


def test_rows_are_drawn_as_percent_of_the_true_class() -> None:
    figure = draw_confusion([[3, 1, 0], [0, 4, 4], [0, 0, 0]], ["a", "b", "unseen"], "title")
    axes = figure.axes[0]
    expected = np.array([[75, 25, 0], [0, 50, 50], [0, 0, 0]])
    assert np.array_equal(np.asarray(axes.images[0].get_array()), expected)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "unseen"]
    assert sorted(text.get_text() for text in axes.texts) == ["25", "50", "50", "75"]
