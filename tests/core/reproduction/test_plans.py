"""Plans are data: all of this runs without training anything."""

from dataclasses import replace

import pytest

from tmnet_core.errors import RecipeError
from tmnet_core.models.branch import Branch
from tmnet_core.reproduction import paper
from tmnet_core.reproduction.plan import change, identity, with_iterations, with_seed, work
from tmnet_core.reproduction.plans import PLAN_NAMES, Settings, make_plan

FULL = Settings("synthetic-people")
QUICK = Settings("synthetic-people", quick=True)
PLANS = [(name, settings) for name in PLAN_NAMES for settings in (FULL, QUICK)]


@pytest.mark.parametrize(("name", "settings"), PLANS)
def test_every_comparison_is_of_lines_that_there_are(name, settings):
    plan = make_plan(name, settings)
    keys = [line.key for line in plan.lines]
    assert len(set(keys)) == len(keys)
    for comparison in (*plan.comparisons, *(c for claim in plan.claims for c in claim.comparisons)):
        assert comparison.higher[0] in keys
        assert comparison.lower[0] in keys
        assert comparison.higher != comparison.lower


@pytest.mark.parametrize(("name", "settings"), PLANS)
def test_a_line_has_a_recipe_or_a_reason(name, settings):
    for line in make_plan(name, settings).lines:
        assert (line.recipe is None) is bool(line.not_run)


@pytest.mark.parametrize("settings", [FULL, QUICK], ids=["paper", "quick"])
def test_table_1_is_made_at_equal_iterations_and_at_equal_frames(settings):
    base = settings.base()
    lines = [line for line in make_plan("table1", settings).lines if line.recipe is not None]
    for line in lines:
        if line.budget == "equal iterations":
            assert line.recipe.schedule.iterations == base.schedule.iterations
        else:
            a_step = line.recipe.training.batch_size * line.recipe.clip.frames
            assert abs(work(line.recipe) - work(base)) <= a_step / 2
    # At the base's own T both budgets are one run.
    own = [line for line in lines if line.label == f"{base.clip.frames} frames"]
    assert len(own) == 2
    assert identity(own[0].recipe) == identity(own[1].recipe)


def test_the_paper_s_lines_are_all_there():
    table1 = make_plan("table1", FULL)
    assert [line.label for line in table1.lines[:6]] == [
        "TSN, 3 frames",
        *("1 frame", "8 frames", "16 frames", "32 frames", "64 frames"),
    ]
    assert table1.lines[3].paper[Branch.FUSED] == {"map": 74.95, "top1": 75.26, "top5": 93.42}
    assert table1.lines[0].paper == {Branch.CB: {"map": 73.63, "top1": 73.96, "top5": 93.44}}
    assert [line.value for line in make_plan("figure5", FULL).lines][::6] == [0.05, 1.0]
    trained, *others = make_plan("table4", FULL).lines[3:6]
    assert (trained.label, trained.look.key_frame) == ("trained middle, glance beginning", "beginning")
    assert trained.paper[Branch.FUSED]["top1"] == 73.96
    assert {identity(line.recipe) for line in others} == {identity(trained.recipe)}


def test_the_paper_s_numbers_are_the_printed_ones():
    # Rows of the paper's text, typed again: mAP, acc@1, acc@5 for RB, CB, RB + CB.
    assert paper.TABLE2["3/1"] == {
        Branch.RB: {"map": 73.07, "top1": 73.46, "top5": 92.92},
        Branch.CB: {"map": 74.91, "top1": 75.20, "top5": 92.99},
        Branch.FUSED: {"map": 75.04, "top1": 75.34, "top5": 93.44},
    }
    assert paper.TABLE4["ending"]["middle"] == {Branch.FUSED: {"map": 72.37, "top1": 72.75, "top5": 91.67}}
    # In every table RB + CB is at or above CB in acc@1 but for T = 1.
    for figures in (*paper.TABLE2.values(), *paper.TABLE3.values(), *list(paper.TABLE1.values())[1:]):
        assert figures[Branch.FUSED]["top1"] > figures[Branch.CB]["top1"] > figures[Branch.RB]["top1"]


def test_table_5_is_beside_the_column_of_its_data():
    assert make_plan("table5", Settings("data/UCF-101")).lines[2].paper[Branch.FUSED] == {"top1": 89.6}
    assert make_plan("table5", Settings("hmdb51")).lines[2].paper[Branch.FUSED] == {"top1": 59.5}


def test_table_5_in_small_sets_resnet_18_and_its_3d_form_side_by_side():
    plan = make_plan("table5", replace(FULL, quick=True, backbone="resnet18"))
    c3d, rival, *ours = plan.lines
    assert c3d.not_run
    assert not any(line.paper for line in (rival, *ours))
    networks = [line.recipe.model for line in (rival, *ours) if line.recipe]
    assert [model.variant for model in networks] == ["r3d-18", "tmnet-2d", "tmnet-3d-a", "tmnet-3d-b"]
    assert {model.backbone for model in networks} == {"resnet18"}
    assert {model.network3d for model in networks[2:]} == {"r3d_18"}
    in_figure3 = make_plan("figure3", replace(FULL, quick=True, backbone="resnet18")).recipes([0])
    assert len(in_figure3.keys() & plan.recipes([0]).keys()) == 2, "R3D-18 and TMNet-2D are the runs of Figure 3"
    compared = {side[0] for comparison in plan.claims[0].comparisons for side in (comparison.higher, comparison.lower)}
    assert compared == {line.key for line in ours}


def test_table_5_takes_the_backbone_that_is_asked_for_where_it_fits():
    _, _, two, *deep = make_plan("table5", replace(FULL, backbone="resnet101")).lines
    assert two.label == "TMNet-2D (resnet101, 16 frames)"
    assert not any(line.paper for line in (two, *deep)), "the paper has them with ResNet-50"
    assert {line.recipe.model.backbone for line in (two, *deep) if line.recipe} == {"resnet101"}
    lines = make_plan("table5", replace(FULL, backbone="resnet34")).lines
    assert [bool(line.recipe) for line in lines[2:]] == [True, False, False]
    assert "backbones that fit are resnet50, resnet101" in lines[3].not_run


def test_what_does_not_fit_is_a_line_with_its_reason():
    # C3D's layers are for 112 pixels.
    lines = make_plan("figure3", replace(FULL, overrides=["model.temporal_borders=replicate", "clip.size=64"])).lines
    assert all(line.recipe is not None for line in lines)
    wide = replace(FULL, overrides=["model.width=0.5", "model.backbone=mobilenet_v2"])
    reasons = [line.not_run for line in make_plan("table5", wide).lines]
    assert any("width 0.5 needs backbone mobilenet_v2" in reason for reason in reasons)


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(RecipeError, match=r"did you mean 'clip.frames'"):
        replace(FULL, overrides=["clip.frame=3"]).base()


def test_a_run_is_known_by_what_trains_it():
    recipe = FULL.base()
    name = identity(recipe)
    assert identity(change(recipe, {"training.device": "cuda:1", "training.workers": 7})) == name
    assert identity(recipe.model_copy(update={"name": "other"})) == name
    assert identity(with_seed(recipe, 1)) != name
    assert identity(change(recipe, {"objective.alpha": 0.05})) != name


def test_a_shorter_run_keeps_the_shape_of_its_schedule():
    half = with_iterations(FULL.base(), 12_000)
    assert half.schedule.milestones == (5_000, 8_000)
    assert with_iterations(FULL.base(), 2).schedule.milestones == (1,)
