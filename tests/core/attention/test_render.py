from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from fractions import Fraction

import av
import numpy as np
import pytest

from tmnet_core.attention.composition import Composed, Composer
from tmnet_core.attention.pipeline import ahead
from tmnet_core.attention.render import RenderOptions, render_figure, render_file
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.checkpoint import save_checkpoint
from tmnet_core.data.decoding import VideoReader, probe, read_frames
from tmnet_core.errors import TMNetError
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

SMALL = RenderOptions(height=64, top=1, settings=AttentionSettings(opacity=0.1))


@pytest.fixture
def checkpoint(make_checkpoint):
    return make_checkpoint()[0]


def pictures(film, number: int, panes: int = 3) -> np.ndarray:
    """The first pane of one frame of a film that was rendered with `SMALL`."""
    image = read_frames(film, [number])[0]
    width = image.shape[1]
    return image[: image.shape[0] // 2, : width // panes]


def test_every_frame_is_written_in_order_at_its_time(checkpoint, make_video, tmp_path):
    times = [0.0, 0.04, 0.08, 0.2, 0.24, *(0.3 + 0.033 * n for n in range(30))]
    video = make_video(frames=35, times=times)
    done = render_file(checkpoint, video, tmp_path / "out.mp4", SMALL, engine="torch")
    assert str(done) == f"{tmp_path / 'out.mp4'}: 35 of 35 frames"
    with VideoReader(done.path) as reader:
        assert reader.times == pytest.approx(times, abs=2e-3)


def test_each_frame_shows_its_own_picture_and_its_own_line(checkpoint, make_video, tmp_path, read_bar_code):
    video = make_video(frames=20, size=(240, 128))
    options = RenderOptions(height=128, top=2, agreement=False)
    table = tmp_path / "out.jsonl"
    done = render_file(checkpoint, video, tmp_path / "out.mp4", options, table=table, engine="torch")
    lines = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    assert [line["frame"] for line in lines] == list(range(20))
    predictor = GlancePredictor.from_file(checkpoint, "cpu", "torch")
    for number in (0, 7, 19):
        image = read_frames(done.path, [number])[0]
        left = (image.shape[1] - 3 * 240 - 2 * 8) // 2
        # Above the middle, the bars reach through the whole width of the pane.
        assert read_bar_code(image[24:120, left : left + 240]) == number
        glance = predictor.glance(read_frames(video, [number])[0])
        top = int(glance.probabilities[Branch.RB].argmax())
        assert lines[number]["branches"]["RB"][0]["name"] == predictor.classes[top]
        expected = float(glance.probabilities[Branch.RB][top])
        assert lines[number]["branches"]["RB"][0]["probability"] == pytest.approx(expected, abs=1e-4)
    predictor.close()


def test_a_second_network_is_in_the_picture_and_in_the_table(make_checkpoint, make_video, tmp_path):
    first, other = make_checkpoint()[0], make_checkpoint("other.safetensors", variant="tsn")[0]
    video, table = make_video(frames=4, size=(160, 120)), tmp_path / "out.csv"
    done = render_file(first, video, tmp_path / "out.mp4", SMALL, second=other, table=table, engine="torch")
    alone = render_file(first, video, tmp_path / "alone.mp4", SMALL, engine="torch")
    assert done.frames == 4
    high, low = (read_frames(one.path, [2])[0] for one in (done, alone))
    assert high.shape[0] >= low.shape[0] + 64
    assert high.shape[1] == low.shape[1]
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert not any(column.startswith("second RB") for column in rows[0])
    predictor = GlancePredictor.from_file(other, "cpu", "torch")
    for row, image in zip(rows, read_frames(video, range(4)), strict=True):
        said = predictor.glance(image).probabilities[Branch.CB]
        assert row["second answer"] == predictor.classes[int(said.argmax())]
        assert float(row["second CB 1 probability"]) == pytest.approx(float(said.max()), abs=1e-4)
    predictor.close()


def test_the_table_tells_motion_agreement_and_what_it_was_compared_with(checkpoint, tmp_path, scene):
    film = scene(1, frames=36, step=(1.6, 1.0), fps=5.0)
    video = tmp_path / "film.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(5), options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for frame in film.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        container.mux(stream.encode(None))
    table = tmp_path / "out.csv"
    render_file(checkpoint, video, tmp_path / "out.mp4", SMALL, table=table, engine="torch")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    assert rows[0]["motion"] == "no frame before"
    assert Counter(row["motion"] for row in rows)["motion"] > 30
    assert rows[25]["agreement RB"] == "", "five seconds and three regions are not over"
    late = [row for row in rows[33:] if row["motion"] == "motion"]
    assert late
    assert all(-1 <= float(row["agreement RB"]) <= 1 and "this stream" in row["against"] for row in late)
    assert all(float(row["milliseconds"]) > 0 for row in rows)
    # At five frames a second three are within a clip of 8 frames at 0.08 s.
    assert [row["clip frames"] for row in rows[:4]] == ["1", "2", "3", "3"]
    assert all(-1 <= float(row["clip cosine"]) <= 1 for row in rows)


@pytest.mark.parametrize("model", [{"variant": "tsn"}, {"variant": "tmnet-3d-a", "backbone": "resnet18"}])
def test_a_network_of_one_branch_has_one_map(model, make_checkpoint, make_video, tmp_path):
    if model["variant"] == "tmnet-3d-a":
        model = {**model, "network3d": "r3d_18", "width": 1.0}
    checkpoint, _, _ = make_checkpoint(**model)
    done = render_file(checkpoint, make_video(frames=3), tmp_path / "out.mp4", SMALL, engine="torch")
    assert done.frames == 3


def test_a_file_that_changes_its_size_halfway_keeps_every_frame_and_its_shape(checkpoint, make_video, tmp_path):
    parts = [make_video(name, frames=10, size=size) for name, size in (("a.ts", (160, 96)), ("b.ts", (96, 160)))]
    video = tmp_path / "both.ts"
    video.write_bytes(b"".join(part.read_bytes() for part in parts))
    listed = probe(video).frames
    done = render_file(checkpoint, video, tmp_path / "out.mp4", SMALL, engine="torch")
    assert done.frames == listed >= 19
    tall = read_frames(video, [listed - 1])[0]
    assert tall.shape == (96, 160, 3)
    columns = np.nonzero(tall.max(axis=(0, 2)) > 60)[0]
    assert columns.max() - columns.min() < 96 * 96 / 160 + 2, "not stretched"


def test_a_video_of_one_frame_becomes_one_of_one_frame(checkpoint, make_video, tmp_path):
    table = tmp_path / "out.csv"
    done = render_file(checkpoint, make_video(frames=1), tmp_path / "out.mp4", SMALL, table=table, engine="torch")
    assert done.frames == probe(done.path).frames == 1
    assert "no frame before" in table.read_text(encoding="utf-8")


def test_stopping_keeps_what_was_made(checkpoint, make_video, tmp_path):
    stop = threading.Event()

    def progress(done: int, total: int) -> None:
        if done == 12:
            stop.set()

    done = render_file(
        checkpoint,
        make_video(frames=40),
        tmp_path / "out.mp4",
        SMALL,
        table=tmp_path / "out.csv",
        engine="torch",
        progress=progress,
        stop=stop,
    )
    assert str(done) == f"{tmp_path / 'out.part.mp4'}: stopped after 12 of 40 frames, which play"
    assert probe(done.path).frames == 12
    assert not (tmp_path / "out.mp4").exists()
    assert len((tmp_path / "out.part.csv").read_text(encoding="utf-8").splitlines()) == 13


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_control_c_stops_the_command_and_keeps_what_was_made(checkpoint, make_video, tmp_path):
    video = make_video(frames=600, size=(320, 240))
    command = [sys.executable, "-m", "tmnet_core", "render", str(checkpoint), str(video), "--engine", "torch"]
    command += ["-o", str(tmp_path / "out.mp4"), "--table", str(tmp_path / "out.csv")]
    rendering = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        begun = tmp_path / "out.part.csv"
        waited = threading.Event()
        while rendering.poll() is None and not (begun.exists() and begun.stat().st_size):
            waited.wait(0.02)
        rendering.send_signal(signal.SIGINT)
        said, errors = rendering.communicate(timeout=60)
    finally:
        rendering.kill()
    assert rendering.returncode == 130, errors
    assert "stopped after" in said
    assert probe(tmp_path / "out.part.mp4").frames > 0


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("out.avi", RenderOptions(), r"out\.avi: the name ends in \.mp4"),
        ("absent/out.mp4", RenderOptions(), "there is no folder"),
        ("clip.mp4", RenderOptions(), "is the video that is read"),
        ("out.mp4", RenderOptions(class_name="walk"), "'walk': the checkpoint does not know it; it knows jump, run, w"),
    ],
)
def test_what_cannot_be_rendered_is_said_in_a_sentence(out, options, message, checkpoint, make_video, tmp_path):
    video = make_video("clip.mp4", frames=2)
    with pytest.raises(TMNetError, match=message):
        render_file(checkpoint, video, tmp_path / out, options, engine="torch")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "net.safetensors"]


def test_the_figure_of_one_frame_is_written_as_a_picture(checkpoint, make_video, tmp_path):
    video = make_video(frames=10, size=(320, 240))
    picture = cv2.imread(str(render_figure(checkpoint, video, tmp_path / "figure.png", 4, engine="torch")))
    assert picture is not None
    assert picture.shape[1] > 3 * 320
    assert (picture[-1] == 255).all(), "on white"
    with pytest.raises(TMNetError, match="has frames 0 to 9, so none with number 10"):
        render_figure(checkpoint, video, tmp_path / "figure.png", 10, engine="torch")


def test_what_is_made_ahead_comes_in_order_and_errors_come_in_their_place():
    def failing():
        yield from range(20)
        raise OSError("the disk")

    with ahead(failing()) as items, pytest.raises(OSError, match="the disk"):
        for expected, item in enumerate(items):
            assert item == expected
    endless = iter(int, 1)
    with ahead(endless) as items:
        assert next(items) == 0


def test_a_person_reads_names_in_words_and_tables_keep_them(make_checkpoint, make_video, tmp_path, monkeypatch):
    painted: list[Composed] = []
    paint = Composer.paint

    def remember(composer, frame, placement, content):
        painted.append(content)
        return paint(composer, frame, placement, content)

    monkeypatch.setattr(Composer, "paint", remember)
    checkpoint, network, header = make_checkpoint()
    save_checkpoint(checkpoint, network, header.model_copy(update={"classes": ["brush_hair", "run", "wave"]}))
    options = RenderOptions(class_name="brush_hair", height=64)
    table, out = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    render_file(checkpoint, make_video(frames=2), out, options, second=checkpoint, table=table, engine="torch")
    for content in (painted[0], painted[0].second):
        assert {bar.name for bar in content.bars} == {"brush hair", "run", "wave"}
        captions = [pane.caption.rpartition(" ")[0] for pane in content.panes if pane.shown]
        assert captions == ["brush hair"] * 2
    line = json.loads(table.read_text(encoding="utf-8").splitlines()[0])
    assert {one["name"] for one in line["branches"]["RB"]} == {"brush_hair", "run", "wave"}
