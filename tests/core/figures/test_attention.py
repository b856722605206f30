from pathlib import Path

import numpy as np
import pytest

from tmnet_core.figures.attention import SeenFrame, draw_attention
from tmnet_core.figures.style import save_figure
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2


@pytest.mark.parametrize("size", [(96, 96), (72, 128), (128, 72)])
@pytest.mark.parametrize("branches", [(Branch.CB,), (Branch.RB, Branch.CB)])
def test_pictures_fill_the_figure_below_their_titles(
    tmp_path: Path, size: tuple[int, int], branches: tuple[Branch, ...]
) -> None:
    maps = {branch: np.eye(7, dtype=np.float32) for branch in branches}
    seen = SeenFrame(np.full((*size, 3), 60, np.uint8), "wave", maps, dict.fromkeys(branches, 0.25))
    save_figure(draw_attention(seen), tmp_path / "figure.png")
    picture = cv2.imread(str(tmp_path / "figure.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    dark = picture < 128
    # Rows and columns that pictures take, not letters.
    rows = np.flatnonzero(dark.mean(1) > 0.5)
    columns = np.flatnonzero(dark.mean(0) > 0.5)
    assert len(picture) - rows[-1] < 15, "a strip below"
    assert 25 < rows[0] < 50, "room for the titles"
    assert columns[0] < 15
    assert picture.shape[1] - columns[-1] < 15
