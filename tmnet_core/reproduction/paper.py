"""What the paper reports, as data: Tables 1 to 5 of Liu et al., IEEE Access 2020, in percent.

Its figures 3 to 5 are pictures without numbers in the text; of Figure 6 it gives two probabilities.
"""

from __future__ import annotations

from tmnet_core.models.branch import Branch

CITATION = "Liu, Li, Gao, Qin: Temporal Memory Network Towards Real-Time Video Understanding, IEEE Access 8, 2020"

# By branch, then `map`, `top1`, `top5`, the names that our metrics have.
Figures = dict[Branch, dict[str, float]]


def _figures(*values: float, branches: tuple[Branch, ...] = tuple(Branch)) -> Figures:
    """Read a row as the paper prints it: mAP, acc@1, acc@5 for RB, then for CB, then for RB + CB."""
    names = ("map", "top1", "top5")
    return {branch: dict(zip(names, values[3 * i : 3 * i + 3], strict=True)) for i, branch in enumerate(branches)}


# TSN of three frames; the paper prints it in the columns of RB + CB, it has one answer.
TABLE1_TSN = _figures(73.63, 73.96, 93.44, branches=(Branch.CB,))

# One glance, by the frames of a training clip.
TABLE1: dict[int, Figures] = {
    1: _figures(67.21, 68.09, 91.28, 68.67, 69.52, 91.59, 67.98, 68.83, 91.30),
    8: _figures(73.23, 73.46, 92.76, 74.43, 74.68, 92.28, 74.78, 75.05, 92.84),
    16: _figures(73.34, 73.62, 92.99, 74.37, 74.62, 92.49, 74.95, 75.26, 93.42),
    32: _figures(73.66, 74.02, 92.65, 74.26, 74.54, 92.33, 74.89, 75.23, 93.31),
    64: _figures(73.85, 74.15, 92.78, 74.32, 74.54, 92.84, 75.13, 75.39, 93.13),
}

# By split: stages of the base backbone / of RB and CB.
TABLE2: dict[str, Figures] = {
    "0/4": _figures(72.5, 73.01, 92.49, 73.22, 73.67, 91.75, 74.18, 74.70, 93.13),
    "1/3": _figures(72.17, 72.67, 92.20, 74.0, 74.31, 92.28, 74.56, 74.97, 92.94),
    "2/2": _figures(73.34, 73.62, 92.99, 74.37, 74.62, 92.49, 74.95, 75.26, 93.42),
    "3/1": _figures(73.07, 73.46, 92.92, 74.91, 75.20, 92.99, 75.04, 75.34, 93.44),
}

# By the third that RB's key frame is taken from in training.
TABLE3: dict[str, Figures] = {
    "beginning": _figures(73.31, 73.67, 92.84, 74.15, 74.31, 92.36, 74.80, 75.05, 93.02),
    "middle": _figures(73.77, 74.12, 93.02, 74.80, 75.10, 92.55, 75.38, 75.65, 92.99),
    "ending": _figures(73.38, 73.70, 92.65, 75.25, 75.52, 92.86, 75.50, 75.73, 93.34),
}

# RB + CB, by the third in training, then by that of the glance.
TABLE4: dict[str, dict[str, Figures]] = {
    training: {
        glance: _figures(*row[3 * i : 3 * i + 3], branches=(Branch.FUSED,))
        for i, glance in enumerate(("beginning", "middle", "ending"))
    }
    for training, row in {
        "beginning": (71.59, 71.93, 91.57, 72.28, 72.59, 91.33, 71.93, 72.16, 90.93),
        "middle": (73.75, 73.96, 92.39, 73.36, 73.57, 92.25, 74.18, 74.33, 92.18),
        "ending": (71.59, 71.93, 91.57, 72.37, 72.75, 91.67, 71.87, 72.27, 92.28),
    }.items()
}

# acc@1 on UCF101 and on HMDB51, of the networks that can be trained here.
TABLE5: dict[str, dict[str, float]] = {
    "C3D": {"ucf": 82.3, "hmdb": 56.8},
    "RGB-I3D (ResNet50, 32 frames)": {"ucf": 94.5, "hmdb": 69.0},
    "TMNet-2D (ResNet50, 16 frames)": {"ucf": 89.6, "hmdb": 59.5},
    "TMNet-3D-A (SlowNet50, 16 frames)": {"ucf": 90.3, "hmdb": 62.5},
    "TMNet-3D-B (SlowNet50, 16 frames)": {"ucf": 94.5, "hmdb": 72.3},
}

FIGURE5_BEST_ALPHA = 0.8

# The probability that the shown frame's class gets.
FIGURE6 = {Branch.RB: 0.616, Branch.CB: 0.416}
