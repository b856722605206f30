from __future__ import annotations

import json
import threading
from dataclasses import replace

import av
import numpy as np
import pytest

from tmnet_core.assets import asset
from tmnet_core.attention.agreement import OtherRegions, compare, kept_regions
from tmnet_core.attention.contact_sheet import most_different
from tmnet_core.attention.data_report import report_on_data
from tmnet_core.attention.survey import survey_clips
from tmnet_core.attention.survey_report import SurveyReport, agreement_table, clip_figures, flow_overlap, measure
from tmnet_core.checkpoint import save_checkpoint
from tmnet_core.data.clip_sources import RenderedClips
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.synthetic_people import SyntheticPeople
from tmnet_core.errors import DataError, SourceError
from tmnet_core.figures.motion_agreement import draw_agreement
from tmnet_core.live.frames import Glance
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

PREPROCESSING_96 = Preprocessing(size=96, crop="whole")
PREPROCESSING = Preprocessing(size=64, crop="whole")


class FilmedScenes:
    """Scenes as a source of clips of two classes."""

    classes = ("even", "odd")

    def __init__(self, scenes) -> None:
        self.scenes = scenes
        self.broken: set[int] = set()

    def __len__(self) -> int:
        return len(self.scenes)

    def label(self, index):
        return index % 2

    def name(self, index):
        return f"scene {index}"

    def video(self, index):
        return None

    def frames(self, index):
        return len(self.scenes[index].frames)

    def read(self, index, indices):
        if index in self.broken:
            raise SourceError(f"scene {index} is broken")
        return np.stack([self.scenes[index].frames[number].image for number in indices])


class Knowing:
    """Stands in for a network: RB looks at what moves, CB at the other square."""

    preprocessing = PREPROCESSING

    def __init__(self, scenes, header) -> None:
        self.header = header
        self.classes = list(FilmedScenes.classes)
        self.places = {frame.image.tobytes(): (film, n) for film in scenes for n, frame in enumerate(film.frames)}

    def glance_at_each(self, frames):
        return [self.glance(frame) for frame in frames]

    def glance(self, frame):
        film, number = self.places[frame.image.tobytes()]
        maps = {Branch.RB: film.bump(film.mover, number), Branch.CB: film.bump(film.decoy, number)}
        probabilities = dict.fromkeys(Branch, np.full(2, 0.5, np.float32))
        features = dict.fromkeys((Branch.RB, Branch.CB), np.ones(4, np.float32))
        placement = PREPROCESSING.place(320, 240)
        return Glance(frame, placement, probabilities, {b: np.stack([m, m]) for b, m in maps.items()}, features, 0.0)


@pytest.fixture(scope="module")
def scenes(scene):
    return [scene(seed, camera=(1.0, -0.5), step=(2.5, 1.5), frames=6) for seed in range(40, 50)]


def test_over_a_data_set_the_branch_that_looks_at_the_mover_agrees_more(scenes, make_header):
    clips = FilmedScenes(scenes)
    survey = survey_clips(Knowing(scenes, make_header()), clips, key_frames=2)
    assert len(survey.observations) == 20
    table = agreement_table(survey, "optical flow", "scenes")
    found = measure(survey, table, "optical flow")
    assert found.overall.clips == 10
    assert found.overall.agreement["RB"].mean > 0.15
    assert found.overall.difference is not None
    assert found.overall.difference.interval[0] > 0.1
    assert abs(found.overall.agreement["centre"].mean) < 0.03
    assert abs(found.shuffled["RB"].mean) < 0.2 * found.overall.agreement["RB"].mean
    assert [row.name for row in found.classes] == ["even", "odd"]
    assert sum(row.clips for row in found.classes) == 10
    # Each clip's middle map of RB follows the mover, while the mean of CB's maps stays with the decoy.
    figures = clip_figures(survey)
    assert figures is not None
    assert figures.map_correlation["CB"].mean > 0.9 > figures.map_correlation["RB"].mean
    chosen = most_different(table, 3)
    difference = table.agreement("RB") - table.agreement("CB")
    assert chosen[0] is table.observations[int(difference.argmax())]
    assert len({one.clip for one in chosen[:3]}) == 3


def test_the_table_is_what_one_frame_after_the_other_gives(scenes, make_header):
    survey = survey_clips(Knowing(scenes, make_header()), FilmedScenes(scenes), key_frames=1)
    table = agreement_table(survey, "optical flow", "scenes")
    regions = np.array([one.region for one in table.observations], np.float32) / 255
    for number in (0, 5):
        others = OtherRegions(np.delete(regions, number, axis=0).mean(axis=0), 9, "")
        scene_, frame = scenes[number], table.observations[number].frame
        maps = {Branch.RB: scene_.bump(scene_.mover, frame)}
        alone = compare(regions[number], maps, others).branches[Branch.RB]
        assert table.inside["RB"][number] == pytest.approx(alone.inside, abs=2e-3)
        assert table.expected["RB"][number] == pytest.approx(alone.expected, abs=2e-3)


def test_the_moving_share_is_of_the_motion_that_maps_are_compared_with(scenes, make_header):
    survey = survey_clips(Knowing(scenes, make_header()), FilmedScenes(scenes), key_frames=1)
    half = np.zeros((64, 64), np.uint8)
    half[:32] = 255
    survey.observations[:] = [replace(one, exact=half) for one in survey.observations]
    by_flow, exact = (
        measure(survey, agreement_table(survey, origin, "scenes"), origin)
        for origin in ("optical flow", "the renderer")
    )
    assert by_flow.overall.moving < 0.2
    assert [row.moving for row in (exact.overall, *exact.classes)] == [0.5, 0.5, 0.5]


def test_one_clip_alone_has_no_interval(scenes, make_header):
    survey = survey_clips(Knowing(scenes, make_header()), FilmedScenes(scenes), key_frames=1)
    survey.observations[:] = [one for one in survey.observations if one.label == 0 or one.clip == 1]
    found = measure(survey, agreement_table(survey, "optical flow", "scenes"), "optical flow")
    even, odd = found.classes
    assert (even.clips, odd.clips) == (5, 1)
    assert even.agreement["RB"].interval is not None
    assert odd.agreement["RB"].interval is None
    assert str(odd.agreement["RB"]) == f"{odd.agreement['RB'].mean:+.3f} (-)".replace("-0", "−0")
    assert draw_agreement(found, "scenes").axes


def test_intervals_take_clips_of_one_source_together(scenes, make_header):
    survey = survey_clips(Knowing(scenes, make_header()), FilmedScenes(scenes), key_frames=1)
    assert len(set(survey.sources)) == 10

    def ends(sources):
        survey.sources = sources
        return measure(survey, agreement_table(survey, "optical flow", "scenes"), "optical flow").overall

    apart, pairs, one = (ends(tuple(str(n // size) for n in range(10))) for size in (1, 2, 10))
    assert apart.agreement["RB"].mean == one.agreement["RB"].mean
    assert one.agreement["RB"].interval is one.difference.interval is None
    assert pairs.difference.interval not in (None, apart.difference.interval)


def test_broken_clips_are_named_and_a_survey_can_be_stopped(scenes, make_header):
    clips = FilmedScenes(scenes)
    clips.broken = {2}
    stop = threading.Event()
    survey = survey_clips(
        Knowing(scenes, make_header()),
        clips,
        key_frames=1,
        progress=lambda done, total: stop.set() if done == 6 else None,
        stop=stop,
    )
    assert survey.unreadable == ["scene 2 is broken"]
    assert {one.clip for one in survey.observations} == {0, 1, 3, 4, 5}
    clips.broken = set(range(10))
    with pytest.raises(DataError, match="none of the 10 clips can be read: scene 0 is broken"):
        survey_clips(Knowing(scenes, make_header()), clips)


def test_of_a_still_data_set_there_is_nothing_to_say(scene, make_header):
    still = [scene(seed, step=(0.0, 0.0)) for seed in range(60, 65)]
    survey = survey_clips(Knowing(still, make_header()), FilmedScenes(still), key_frames=1)
    assert {one.state for one in survey.observations} == {"no motion"}
    with pytest.raises(DataError, match="data scenes: 0 clips have motion, and it takes at least 4"):
        agreement_table(survey, "optical flow", "scenes")


@pytest.fixture
def folder(scenes, tmp_path):
    """Two short films of scenes for each class of the small checkpoint, and one of a single frame."""
    numbers = iter(range(10))
    for name in ("jump", "run", "wave"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for clip in range(2):
            film = scenes[next(numbers)]
            frames = film.frames[:1] if (name, clip) == ("wave", 1) else film.frames
            with av.open(str(tmp_path / "data" / name / f"{name}_{clip}.mp4"), "w") as container:
                stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
                stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
                for frame in frames:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
                container.mux(stream.encode(None))
    return tmp_path / "data"


def test_from_a_folder_of_classes_to_figures_plots_and_pictures(folder, make_checkpoint, tmp_path):
    small, network, header = make_checkpoint()
    # The small checkpoint's maps have one place; at this size they have 3×3.
    checkpoint = small.with_name("larger.safetensors")
    save_checkpoint(checkpoint, network, header.model_copy(update={"preprocessing": PREPROCESSING_96}))
    out = tmp_path / "report"
    report = report_on_data(
        checkpoint,
        str(folder),
        out,
        command="tmnet attention net.safetensors data",
        key_frames=2,
        shown="truth",
        curve_steps=2,
        keep_regions=True,
        device="cpu",
        engine="torch",
    )
    assert SurveyReport.model_validate(json.loads((out / "attention.json").read_text(encoding="utf-8"))) == report
    text = (out / "attention.md").read_text(encoding="utf-8")
    assert "    tmnet attention net.safetensors data\n" in text
    assert "maps of the true class" in text
    assert "| **all** | 5 |" in text
    assert "## Deletion and insertion" in text
    assert report.states["no frame before"] == 1
    assert report.curves is not None
    assert report.curves.clips == 6
    for name in ("by-class.png", "most-different.png"):
        picture = cv2.imread(str(out / name))
        assert picture is not None
        assert picture.std() > 10
    kept = kept_regions(checkpoint)
    assert kept is not None
    assert str(kept) == "5 moving regions of data (optical flow)"


def test_on_rendered_people_motion_by_flow_leads_to_what_the_renderers_motion_does():
    clips = RenderedClips(SyntheticPeople(24, 7, "validation"))
    predictor = GlancePredictor.from_file(asset("demo/synthetic-people.safetensors"), "cpu", "torch")
    survey = survey_clips(predictor, clips, key_frames=1)
    predictor.close()
    overlap = flow_overlap(survey)
    assert overlap is not None
    assert overlap > 0.35
    tables = [agreement_table(survey, origin, "people") for origin in ("optical flow", "the renderer")]
    clip_of = [{one.clip: n for n, one in enumerate(table.observations)} for table in tables]
    both = sorted(clip_of[0].keys() & clip_of[1].keys())
    assert len(both) > 15
    flow, exact = (
        [float(table.agreement("CB")[place[clip]]) for clip in both]
        for table, place in zip(tables, clip_of, strict=True)
    )
    assert np.corrcoef(flow, exact)[0, 1] > 0.5
