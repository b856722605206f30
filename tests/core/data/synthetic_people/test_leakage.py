"""Nothing but the person's pose and motion may tell the class."""

import numpy as np

from tmnet_core.data.synthetic_people import CLASSES, SyntheticPeople
from tmnet_core.opencv import cv2

CLIPS = 264


def backgrounds(people: SyntheticPeople) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of the first frame without the figure, labels, and whether the stool stands there."""
    features, stools = [], []
    for i in range(len(people)):
        clip = people.rendered(i, [0], ground_truth=True)
        assert clip.masks is not None
        around = cv2.dilate(clip.masks[0].astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        picture = clip.frames[0].astype(np.float32)
        picture[around] = np.median(picture[~around], axis=0)
        features.append(cv2.resize(picture, (10, 8), interpolation=cv2.INTER_AREA).ravel() / 255)
        stools.append(clip.has_stool)
    labels = np.array([people.label(i) for i in range(len(people))])
    return np.array(features), labels, np.array(stools)


def test_the_background_does_not_tell_the_class_and_the_stool_stands_in_half() -> None:
    train, labels, stools = backgrounds(SyntheticPeople(CLIPS, seed=1, size=(80, 64)))
    held_out, held_labels, held_stools = backgrounds(SyntheticPeople(CLIPS, seed=1, size=(80, 64), subset="validation"))
    centre = train.mean(axis=0)
    x, y = train - centre, np.eye(len(CLASSES))[labels]
    weights = np.linalg.solve(x.T @ x + 3 * np.eye(x.shape[1]), x.T @ (y - y.mean(axis=0)))
    accuracy = float((((held_out - centre) @ weights).argmax(axis=1) == held_labels).mean())
    chance = 1 / len(CLASSES)
    assert abs(accuracy - chance) < 3.5 * np.sqrt(chance * (1 - chance) / CLIPS)

    both, where = np.concatenate([stools, held_stools]), np.concatenate([labels, held_labels])
    assert abs(both.mean() - 0.5) < 0.06
    for label in range(len(CLASSES)):
        assert 0.25 < both[where == label].mean() < 0.75
