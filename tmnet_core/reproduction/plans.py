"""The paper's tables and figures, and the ablations that it leaves out, as plans; nothing here trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from tmnet_core.config import Recipe, load_recipe
from tmnet_core.data.clip_sources import data_name
from tmnet_core.data.preprocessing import Crops
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import SPLITS
from tmnet_core.reproduction import claims, paper
from tmnet_core.reproduction.plan import Budget, Comparison, Line, Plan, make_line, work
from tmnet_core.training.look import Look

PlanName = Literal[
    "table1", "table2", "table3", "table4", "table5", "figure3", "figure4", "figure5", "figure6", "ablations"
]
PLAN_NAMES: tuple[PlanName, ...] = get_args(PlanName)
THIRDS: tuple[Literal["beginning", "middle", "ending"], ...] = ("beginning", "middle", "ending")
BUDGETS: tuple[Budget, ...] = ("equal iterations", "equal frames")
ALPHAS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
TSN3 = "TSN, 3 frames"
RB, CB, FUSED = Branch.RB, Branch.CB, Branch.FUSED

# What --quick leaves out of the longest sweeps.
_QUICK_FRAMES = 16
_QUICK_ALPHAS = (0.05, 0.2, 0.8, 1.0)


@dataclass(frozen=True)
class Settings:
    """What a reproduction is made with.

    Attributes:
        data: a data set, as `data.root`.
        backbone: the 2D network; empty: that of the recipe, and of Table 5 ResNet-50.
        quick: the shipped recipe `quick` and shorter sweeps, in the place of the recipe `paper`.
        overrides: `section.key=value` of every run.
    """

    data: str
    backbone: str = ""
    quick: bool = False
    overrides: Sequence[str] = ()

    def base(self) -> Recipe:
        """Return the recipe that lines are changes of; raises RecipeError."""
        # Quick clips are of 8 frames over the whole video: a 16 at interval 2 is longer than many short ones.
        quick = ["clip.frames=8", "clip.sampling=even"] if self.quick else []
        backbone = [f"model.backbone={self.backbone}"] if self.backbone else []
        data = [f"data.root={self.data!r}"]
        return load_recipe("quick" if self.quick else "paper", [*quick, *backbone, *data, *self.overrides])

    @property
    def crops(self) -> Crops:
        """Crops of a clip, where the paper takes ten."""
        return 1 if self.quick else 10


def make_plan(name: PlanName, settings: Settings) -> Plan:
    """Return the plan of a table, a figure or the ablations; raises RecipeError where settings do not fit."""
    return _PLANS[name](settings)


def _table1(settings: Settings) -> Plan:
    base = settings.base()
    lines = [line for budget in BUDGETS for line in _lines_of_table1(base, settings.quick, budget)]
    clips = {frames: _frames(frames) for frames in paper.TABLE1}
    return Plan(
        "table1",
        "Table 1: the frames of a training clip, one glance",
        "T frames at equal intervals over the video, against TSN trained on three segments. The paper's runs are of "
        "equal iterations, so that T = 64 sees 64 times the frames of T = 1; here each is run at equal frames too.",
        lines,
        [claim for budget in BUDGETS for claim in claims.of_table1(TSN3, clips, budget)],
    )


def _lines_of_table1(base: Recipe, quick: bool, budget: Budget) -> list[Line]:
    frames_seen = work(base) if budget == "equal frames" else 0
    tsn = {"model.variant": "tsn", "clip.frames": 3, "clip.sampling": "segments"}
    lines = [make_line(base, TSN3, tsn, budget=budget, frames=frames_seen, value=3, paper=paper.TABLE1_TSN)]
    for frames, figures in paper.TABLE1.items():
        lines.append(
            make_line(
                base,
                _frames(frames),
                {"clip.frames": frames, "clip.sampling": "even"},
                budget=budget,
                frames=frames_seen,
                value=frames,
                paper=figures,
                not_run="left out of --quick" if quick and frames > _QUICK_FRAMES else "",
            )
        )
    return lines


def _frames(count: int) -> str:
    return f"{count} frame{'s' if count > 1 else ''}"


def _table2(settings: Settings) -> Plan:
    base = settings.base()
    lines = [
        make_line(base, split, {"model.split": split}, value=int(split[0]), paper=paper.TABLE2[split])
        for split in SPLITS
    ]
    return Plan(
        "table2",
        "Table 2: stages in BB / stages in RB and CB, one glance",
        "Where the network is cut.",
        lines,
        claims.of_table2(SPLITS),
    )


def _table3(settings: Settings) -> Plan:
    base = settings.base()
    lines = [make_line(base, third, {"clip.key_frame": third}, paper=paper.TABLE3[third]) for third in THIRDS]
    return Plan(
        "table3",
        "Table 3: the third of the clip that RB's key frame is taken from in training, one glance",
        "The glances are spread over the whole clip.",
        lines,
        claims.of_table3(),
    )


def _table4(settings: Settings) -> Plan:
    base = settings.base()
    lines = [
        make_line(
            base,
            f"trained {training}, glance {glance}",
            {"clip.key_frame": training},
            look=Look(key_frame=glance),
            paper=paper.TABLE4[training][glance],
        )
        for training in THIRDS
        for glance in THIRDS
    ]
    return Plan(
        "table4",
        "Table 4: the key frame's third in training × the third of the glance",
        "The runs are those of Table 3; each glance is scored over several frames of its third, without augmentation.",
        lines,
        claims.of_table4(THIRDS),
    )


def _table5(settings: Settings) -> Plan:
    # Table 5's networks name their own backbones.
    base = replace(settings, backbone="").base()
    column = _column_of_table5(settings.data)
    lines = []
    for label, changes in _networks_of_table5(settings).items():
        figures = paper.TABLE5.get(label)
        branch = FUSED if label.startswith("TMNet") else CB
        lines.append(
            make_line(
                base,
                label,
                changes,
                look=Look(frames=changes["clip.frames"], crops=settings.crops),
                # It starts from random weights, and takes longer than all the rest.
                not_run="left out of --quick" if settings.quick and label == "C3D" else "",
                paper={branch: {"top1": figures[column]}} if figures else {},
            )
        )
    two, three_a, three_b = [line.label for line in lines][2:]
    return Plan(
        "table5",
        "Table 5: the networks on whole clips",
        f"The paper's column beside ours is that of {'UCF101' if column == 'ucf' else 'HMDB51'}. Its 3D networks start "
        "from Kinetics weights, which are given here with start.weights3d.",
        lines,
        claims.of_table5(two, three_a, three_b),
    )


def _networks_of_table5(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what each line changes: the paper's 3D networks, or in small, with ResNet-18, R3D-18 of 8 frames."""
    c3d = {"model.variant": "c3d", "clip.frames": 16, "clip.size": 112, "start.weights": "none"}
    if settings.backbone == "resnet18":
        small = {"clip.frames": 8, "model.backbone": "resnet18"}
        deep = {**small, "model.network3d": "r3d_18"}
        return {
            "C3D": c3d,
            "R3D-18 (8 frames)": {**small, "model.variant": "r3d-18"},
            "TMNet-2D (ResNet18, 8 frames)": {**small, "model.variant": "tmnet-2d"},
            "TMNet-3D-A (R3D-18, 8 frames)": {**deep, "model.variant": "tmnet-3d-a"},
            "TMNet-3D-B (R3D-18, 8 frames)": {**deep, "model.variant": "tmnet-3d-b"},
        }
    backbone = settings.backbone or "resnet50"
    clip = {"clip.frames": 16, "model.backbone": backbone}
    title, title3d = ("ResNet50", "SlowNet50") if backbone == "resnet50" else (backbone, f"SlowNet50, {backbone}")
    return {
        "C3D": c3d,
        "RGB-I3D (ResNet50, 32 frames)": {"model.variant": "i3d-r50", "clip.frames": 32},
        f"TMNet-2D ({title}, 16 frames)": {**clip, "model.variant": "tmnet-2d"},
        f"TMNet-3D-A ({title3d}, 16 frames)": {**clip, "model.variant": "tmnet-3d-a"},
        # Up to split 2/2 SlowNet50 sees one frame at a time, which would make it 3D-A.
        f"TMNet-3D-B ({title3d}, 16 frames)": {**clip, "model.variant": "tmnet-3d-b", "model.split": "3/1"},
    }


def _column_of_table5(data: str) -> Literal["ucf", "hmdb"]:
    """Return the data set whose figures stand beside ours: HMDB51's for HMDB51, else UCF101's."""
    name = data_name(data).lower()
    return "hmdb" if name.startswith("hmdb") else "ucf"


def _figure3(settings: Settings) -> Plan:
    base = settings.base()
    clip = Look(frames=8, crops=settings.crops)
    networks = {
        "TMNet, 8F": {"model.variant": "tmnet-2d"},
        "TSN, 8F": {"model.variant": "tsn"},
        "TSM, 8F": {"model.variant": "tsm"},
        "Resnet3D-18, 8F": {"model.variant": "r3d-18"},
        "Res-I3D, 8F": {"model.variant": "i3d-r50"},
    }
    lines = [make_line(base, label, {"clip.frames": 8, **changes}, look=clip) for label, changes in networks.items()]
    shorter = [replace(clip, frames=frames, sampling="even") for frames in (4, 2, 1)]
    lines += [make_line(base, f"TMNet, {look.frames}F", {"clip.frames": 8}, look=look) for look in shorter]
    rivals = [line.label for line in lines[1:5]]
    return Plan(
        "figure3",
        "Figure 3: accuracy against speed and cost, clips of 8 frames",
        "The paper gives its 3D networks three clips of 8 frames each; here all see one.",
        lines,
        claims.of_figure3(lines[0].label, rivals),
    )


def _figure4(settings: Settings) -> Plan:
    base = settings.base()
    looks = [Look(frames=frames, sampling="even", crops=settings.crops) for frames in (8, 4, 2, 1)]
    lines = [make_line(base, f"{look.frames}F", {}, look=look, value=look.frames) for look in looks]
    return Plan(
        "figure4",
        "Figure 4: one TMNet, looking at fewer and fewer frames",
        "The network is trained once and looks at T frames at equal intervals.",
        lines,
        claims.of_figure4(),
    )


def _figure5(settings: Settings) -> Plan:
    base = settings.base()
    lines = [
        make_line(
            base,
            f"alpha {alpha:g}",
            {"objective.alpha": alpha},
            value=alpha,
            not_run="left out of --quick" if settings.quick and alpha not in _QUICK_ALPHAS else "",
        )
        for alpha in ALPHAS
    ]
    best = f"alpha {paper.FIGURE5_BEST_ALPHA:g}"
    return Plan(
        "figure5",
        "Figure 5: the weight alpha of the regression loss, one glance",
        "The paper gives a picture without numbers.",
        lines,
        claims.of_figure5(best, [line.label for line in lines if line.label != best]),
    )


def _figure6(settings: Settings) -> Plan:
    return Plan(
        "figure6",
        "Figure 6: one frame, RB's and CB's attention and probabilities",
        "The paper shows one frame of HighJump: RB's map covers more of the motion, and RB gives the class "
        f"{paper.FIGURE6[RB]} against CB's {paper.FIGURE6[CB]}. Here: the middle frame of the first validation clip of "
        "the first class with jump in its name, else of the first class, whatever comes out.",
        [make_line(settings.base(), "TMNet", {})],
        claims.of_figure6(),
    )


def _ablations(settings: Settings) -> Plan:
    base = settings.base()
    as_is = "as the recipe"
    objective = base.objective
    lines = [
        make_line(base, as_is, {}),
        make_line(
            base,
            "target not detached" if objective.detach_target else "target detached",
            {"objective.detach_target": not objective.detach_target},
        ),
        make_line(
            base,
            "RB's loss kept out of BB" if objective.reaches_base else "RB's loss into BB",
            {"objective.reaches_base": not objective.reaches_base},
        ),
        make_line(base, "fusion of features", {}, look=Look(fusion="features")),
        make_line(base, "fusion of probabilities", {}, look=Look(fusion="probabilities")),
    ]
    lines += [
        make_line(base, f"regression loss {loss}", {"objective.regression_loss": loss})
        for loss in ("smooth_l1", "mse", "cross_entropy")
    ]
    lines += [make_line(base, f"BatchNorm {mode}", {"training.batch_norm": mode}) for mode in ("train", "frozen")]
    lines += [
        make_line(base, "one frame a clip, equal iterations", {"clip.frames": 1}),
        make_line(base, "one frame a clip, equal frames", {"clip.frames": 1}, frames=work(base)),
    ]
    return Plan(
        "ablations",
        "Ablations that the paper leaves out, one glance",
        "Each line changes one thing of the first; RB alone is its RB column.",
        lines,
        claims.of_ablations("regression loss"),
        # A line that changes nothing is the first one's runs, looked at in the same way.
        [
            Comparison((line.label, FUSED), (as_is, FUSED))
            for line in lines[1:]
            if (line.recipe, line.look) != (lines[0].recipe, lines[0].look)
        ],
    )


_PLANS: dict[PlanName, Callable[[Settings], Plan]] = {
    "table1": _table1,
    "table2": _table2,
    "table3": _table3,
    "table4": _table4,
    "table5": _table5,
    "figure3": _figure3,
    "figure4": _figure4,
    "figure5": _figure5,
    "figure6": _figure6,
    "ablations": _ablations,
}
