import multiprocessing
from hashlib import sha256

import numpy as np
import pytest

from tmnet_core.data.synthetic_people import CLASSES, render_clip
from tmnet_core.data.synthetic_people.actions import pose_curves, sample_style
from tmnet_core.data.synthetic_people.scene import SCENES
from tmnet_core.data.synthetic_people.shot import SUBJECTS, draw_setting
from tmnet_core.errors import DataError
from tmnet_core.opencv import cv2

SIZES = ((160, 120), (64, 64), (224, 224), (96, 160), (320, 240))


def digest(action: str) -> str:
    return sha256(render_clip(action, 5, indices=[0, 17]).frames.tobytes()).hexdigest()


def test_same_seed_same_pixels_again_and_in_a_spawned_process() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        elsewhere = pool.map(digest, ["kick", "walk"])
    assert elsewhere == [digest("kick"), digest("walk")]


def test_a_frame_alone_has_the_pixels_it_has_in_its_clip() -> None:
    clip = render_clip("jumping_jack", 3)
    for i in (0, 13, 31):
        alone = render_clip("jumping_jack", 3, indices=[i])
        np.testing.assert_array_equal(alone.frames[0], clip.frames[i])
        np.testing.assert_array_equal(alone.joints[0], clip.joints[i])


def test_seeds_and_subsets_differ() -> None:
    pictures = [
        render_clip("clap", seed, subset=subset, indices=[0]).frames.tobytes()
        for seed in (0, 1)
        for subset in ("train", "validation")
    ]
    assert len(set(pictures)) == 4


def test_every_class_sex_scene_size_and_angle_is_inside_the_picture() -> None:
    seen: set[object] = set()
    for seed in range(60):
        size = SIZES[seed % len(SIZES)]
        clip = render_clip(
            seed % len(CLASSES), seed, size=size, indices=range(0, 32, 3), ground_truth=True, subset="validation"
        )
        assert clip.frames.shape == (11, size[1], size[0], 3)
        assert clip.masks is not None
        assert clip.masks.any(axis=(1, 2)).all()
        edges = (clip.masks[:, [0, -1]], clip.masks[:, :, [0, -1]])
        assert not any(edge.any() for edge in edges), f"seed {seed}: {clip.class_name} leaves {size}"
        female = draw_setting(seed, "validation", size).subject.body.female
        sex, quarter = "female" if female else "male", round(clip.azimuth_deg / 50)
        seen |= {clip.class_name, clip.scene, size, sex, quarter}
    assert seen >= {*CLASSES, *SCENES, *SIZES, "female", "male", -2, -1, 0, 1, 2}


def test_joints_land_inside_the_figure() -> None:
    for label in range(len(CLASSES)):
        clip = render_clip(label, 100 + label, indices=range(0, 32, 6), ground_truth=True)
        assert clip.masks is not None
        for mask, joints in zip(clip.masks, clip.joints, strict=True):
            near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
            x, y = np.rint(joints).astype(int).T
            assert near[y, x].all()


def test_motion_lives_on_the_figure_and_where_it_moves() -> None:
    clip = render_clip("kick", 8, ground_truth=True)
    assert clip.masks is not None
    assert clip.motion is not None
    assert (clip.motion[~clip.masks] == 0).all()
    assert clip.motion.min() >= 0
    still = render_clip("wave", 8, ground_truth=True)
    assert still.motion is not None
    assert clip.motion.max() > 3
    feet = [still.joint_names.index(f"{side}_ankle") for side in ("left", "right")]
    x, y = np.rint(still.joints[10, feet]).astype(int).T
    assert still.motion[10, y, x].max() < 0.5


def test_motion_is_the_displacement_of_the_joints() -> None:
    seed = next(s for s in range(100) if not draw_setting(s, "train", (160, 120)).camera.pan.any())
    clip = render_clip("clap", seed, ground_truth=True)
    assert clip.motion is not None
    head = clip.joint_names.index("head")
    x, y = np.rint(clip.joints[:-1, head]).astype(int).T
    moved = np.linalg.norm(np.diff(clip.joints[:, head], axis=0), axis=1)
    drawn = clip.motion[np.arange(31), y, x]
    np.testing.assert_allclose(drawn, moved, atol=0.35)


def test_ground_truth_costs_nothing_unless_asked() -> None:
    clip = render_clip("run", 0, indices=[4])
    assert clip.masks is None
    assert clip.motion is None


def test_sit_down_reversed_is_stand_up() -> None:
    t = (np.arange(32) + 0.5) / 25
    style = sample_style(np.random.default_rng(4))
    down, up = (pose_curves(action, t, 32 / 25, style) for action in ("sit_down", "stand_up"))
    for name, values in vars(down).items():
        np.testing.assert_allclose(values[::-1], getattr(up, name), atol=1e-9)
    seed = next(s for s in range(100) if not draw_setting(s, "train", (160, 120)).camera.pan.any())
    clips = [render_clip(action, seed) for action in ("sit_down", "stand_up")]
    np.testing.assert_allclose(clips[0].joints[::-1], clips[1].joints, atol=1e-3)
    difference = clips[0].frames[::-1].astype(int) - clips[1].frames
    assert np.abs(difference).mean() < 6  # sensor noise alone


def test_the_same_seed_shows_the_same_person_and_place_in_every_class() -> None:
    clips = [render_clip(action, 21, indices=[0]) for action in ("clap", "punch", "stand_up")]
    assert len({(c.subject, c.scene, c.has_stool, c.azimuth_deg) for c in clips}) == 1


def test_subjects_of_train_and_validation_are_disjoint() -> None:
    people = {subset: {draw_setting(seed, subset, (160, 120)).subject for seed in range(300)} for subset in SUBJECTS}
    assert len(people["train"]) > 200
    assert not people["train"] & people["validation"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "swim"}, "swim"),
        ({"action": 12}, "12"),
        ({"action": 0, "size": (160, 40)}, "160×40"),
        ({"action": 0, "seed": -1}, "-1"),
        ({"action": 0, "frames": 0}, "0 frames"),
        ({"action": 0, "indices": [32]}, "frames 0 to 31"),
        ({"action": 0, "subset": "test"}, "test"),
    ],
)
def test_what_cannot_be_rendered_is_said(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        render_clip(**{"seed": 0, **arguments})  # type: ignore[arg-type]
