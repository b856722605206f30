"""What the paper says of its tables and figures, word for word, and the comparisons that each stands or falls with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from tmnet_core.models.branch import Branch
from tmnet_core.reproduction.plan import Budget, Claim, Comparison

RB, CB, FUSED = Branch.RB, Branch.CB, Branch.FUSED
# Points of acc@1 that a claim of likeness allows, and one that nothing is gained.
SIMILAR, NO_GAIN = 2.0, 1.0
_SPEED = "Speeds are measured, not tested: they stand in the table, with the multiply-adds."


def of_table1(tsn: str, clips: Mapping[int, str], budget: Budget) -> list[Claim]:
    """Return the claims, where all that is compared was run at one budget.

    Args:
        tsn: the label of the line of TSN.
        clips: the label of TMNet's line by the frames of its training clips.
    """

    def key(label: str) -> str:
        return f"{label}, {budget}"

    one, longer = clips[1], {frames: label for frames, label in clips.items() if frames > 1}
    counts = sorted(clips)
    return [
        Claim(
            "TMNet significantly outperforms TSN when there is more than 1 frame each sequence used for TMNet training",
            "IV-B.1, Table 1",
            [Comparison((key(label), FUSED), (key(tsn), CB)) for label in longer.values()],
            budget=budget,
        ),
        Claim(
            "better performance can be obtained by fusing the features of the regression branch and classification "
            "branch",
            "IV-B.1, Table 1",
            [Comparison((key(label), FUSED), (key(label), CB)) for label in longer.values()],
            budget=budget,
        ),
        Claim(
            "both mAP and top-1 accuracy of the TMNet increase by using more frames for training",
            "IV-B.1, Table 1",
            [Comparison((key(clips[more]), FUSED), (key(clips[fewer]), FUSED)) for fewer, more in pairwise(counts)],
            "Compared by acc@1; the table has mAP. In the paper's own table RB+CB falls from 75.26 to 75.23 between 16 "
            "and 32 frames.",
            budget=budget,
        ),
        Claim(
            "when the video sequence only has one frame in the training stage, the performance of the TMNet decreases "
            "sharply",
            "IV-B.1, Table 1",
            [Comparison((key(label), FUSED), (key(one), FUSED)) for label in longer.values()],
            f"Sharply is read as: by more than {SIMILAR:g} points.",
            margin=-SIMILAR,
            budget=budget,
        ),
        Claim(
            "[with one frame] the fusing result of RB and CB is not better than the result of CB",
            "IV-B.1, Table 1",
            [Comparison((key(one), CB), (key(one), FUSED))],
            f"Not better is read as: by less than {NO_GAIN:g} point.",
            margin=NO_GAIN,
            budget=budget,
        ),
    ]


def of_table2(splits: Sequence[str]) -> list[Claim]:
    """Return the claims on where the network is cut."""
    return [
        Claim(
            "the best results are obtained when we use 3 stages base backbone and 1 stage branches",
            "IV-B.2, Table 2",
            [Comparison(("3/1", FUSED), (split, FUSED)) for split in splits if split != "3/1"],
        ),
        Claim(
            "the result of RB is better with 2 stages / 2 stages architecture",
            "IV-B.2, Table 2",
            [Comparison(("2/2", RB), (split, RB)) for split in splits if split != "2/2"],
        ),
    ]


def of_table3() -> list[Claim]:
    """Return the claims on the key frame in training."""
    return [
        Claim(
            "the best RB results are obtained when we use the center frame as RB's input",
            "IV-B.4, Table 3",
            [Comparison(("middle", RB), (third, RB)) for third in ("beginning", "ending")],
        ),
        Claim(
            "the best results of the TMNet are obtained for the last-frame case",
            "IV-B.4, Table 3",
            [Comparison(("ending", FUSED), (third, FUSED)) for third in ("beginning", "middle")],
        ),
    ]


def of_table4(thirds: Sequence[str]) -> list[Claim]:
    """Return the claim on the key frame of the glance."""
    return [
        Claim(
            "the best inference results are obtained when we sample the input frames from the middle segment, no "
            "matter which sampling strategy we choose in the training stage",
            "IV-B.5, Table 4",
            [
                Comparison(
                    (f"trained {training}, glance middle", FUSED), (f"trained {training}, glance {glance}", FUSED)
                )
                for training in thirds
                for glance in ("beginning", "ending")
            ],
            "In the paper's own table the row trained on the middle is against it: 73.57, and 74.33 at the ending.",
        )
    ]


def of_table5(two: str, three_a: str, three_b: str) -> list[Claim]:
    """Return the claims on the TMNets, given by their labels: 2D, 3D-A and 3D-B."""
    return [
        Claim(
            "TMNet-3D indeed has better accuracy performance",
            "IV-B.6, Table 5",
            [Comparison((three_a, FUSED), (two, FUSED)), Comparison((three_b, FUSED), (two, FUSED))],
        ),
        Claim(
            "the TMNet-3D-A can also keep the fast inference ability",
            "IV-B.6",
            about="Its glance is that of BB and RB alone, whose multiply-adds `tmnet models` lists.",
        ),
    ]


def of_figure3(network: str, rivals: Sequence[str]) -> list[Claim]:
    """Return the claims on TMNet beside other networks, given by their labels."""
    return [
        Claim(
            "TMNet outperforms other methods in top1 accuracy when the input is video sequences of 8 frames",
            "IV-A, Figure 3",
            [Comparison((network, FUSED), (rival, CB)) for rival in rivals],
        ),
        Claim(
            "but keeps fast inference speed similar to the light-weighted 2D CNN (TSN, TSM)",
            "IV-A, Figure 3",
            about=_SPEED,
        ),
        Claim(
            "[with fewer frames] TMNet achieves almost 2× faster speed compared with TSN or TSM",
            "IV-A, Figure 3",
            about=_SPEED,
        ),
    ]


def of_figure4() -> list[Claim]:
    """Return the claims on one TMNet that looks at fewer and fewer frames."""
    return [
        Claim(
            "TMNet has the ability to run faster and keep the recognition performance stable",
            "IV-A, Figure 4",
            [Comparison((f"{frames}F", FUSED), ("8F", FUSED)) for frames in (4, 2, 1)],
            f"Stable is read as: at most {SIMILAR:g} points below 8 frames. {_SPEED}",
            margin=SIMILAR,
        ),
        Claim("the FLOPs decrease sharply with fewer input frames", "IV-A, Figure 4", about=_SPEED),
    ]


def of_figure5(best: str, others: Sequence[str]) -> list[Claim]:
    """Return the claims on alpha, given by labels in the order of alpha."""
    return [
        Claim(
            "the TMNet has the best performance when α is 0.8",
            "IV-B.3, Figure 5",
            [Comparison((best, FUSED), (other, FUSED)) for other in others],
        ),
        Claim(
            "The performance begins to decrease when α is too high or too low",
            "IV-B.3, Figure 5",
            [Comparison((best, FUSED), (other, FUSED)) for other in (others[0], others[-1])],
            "Read as: the lowest and the highest α of the figure are worse than the best.",
        ),
        Claim(
            "the mAP and top-1 accuracy have the same trend",
            "IV-B.3, Figure 5",
            about="Not tested: the table has both.",
        ),
    ]


def of_figure6() -> list[Claim]:
    """Return the claims on one frame."""
    one_frame = "One frame is shown, which tests nothing."
    return [
        Claim("the regression branch recognizes this action more confidently", "V, Figure 6", about=one_frame),
        Claim(
            "For the “RB attention map”, there is apparently a larger motion area is captured",
            "V, Figure 6",
            about=f"{one_frame} `tmnet attention` measures it over all clips.",
        ),
    ]


def of_ablations(label: str) -> list[Claim]:
    """Return the claim on other regression losses; `label` and a loss's name make its line's label."""
    return [
        Claim(
            "The other options, such as Cross-Entropy loss, MSE loss, also could achieve similar results",
            "III-B.1",
            [
                Comparison((f"{label} {loss}", FUSED), (f"{label} smooth_l1", FUSED))
                for loss in ("mse", "cross_entropy")
            ],
            f"Similar is read as: at most {SIMILAR:g} points below smooth L1.",
            margin=SIMILAR,
        )
    ]
