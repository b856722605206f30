from __future__ import annotations

import random
import shutil
import sys
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tmnet_core.data import decoding
from tmnet_core.data.decoding import VideoReader, probe, read_frames
from tmnet_core.errors import SourceError

MakeVideo = Callable[..., Path]
ReadBarCode = Callable[[np.ndarray], int]

_IRREGULAR = [0.0, 0.01, 0.05, 0.3, 0.31, 0.32, 0.9, 1.0, 1.5, 1.52, 1.6, 2.0, 2.9, 3.0, 3.04, 3.5, 3.6, 4.4, 4.5, 5.0]
_LAYOUTS = {
    "long GOP with B-frames": {"options": {"g": "250", "bf": "3"}},
    "short GOP with B-frames": {"options": {"g": "7", "bf": "2"}},
    "open GOP": {"options": {"x264-params": "open-gop=1:keyint=8:min-keyint=8:bframes=3"}},
    "open GOP, HEVC": {
        "codec": "libx265",
        "options": {"x265-params": "log-level=none:open-gop=1:keyint=8:min-keyint=8:bframes=3"},
    },
    "every frame a key frame": {"options": {"g": "1"}},
    "variable frame rate": {"name": "clip.mkv", "frames": 20, "times": _IRREGULAR, "options": {"g": "6", "bf": "2"}},
    "late start": {"name": "clip.mkv", "times": [7.0 + index / 30 for index in range(30)], "options": {"bf": "2"}},
    "transport stream": {"name": "clip.ts", "options": {"g": "10", "bf": "2"}},
    "AVI, MPEG-4 with B-frames": {"name": "clip.avi", "codec": "mpeg4", "options": {"bf": "2"}},
    "AVI, H.264 with B-frames": {"name": "clip.avi", "options": {"bf": "3"}},
    "no time stamps": {"name": "clip.h264", "options": {"g": "12", "bf": "3"}},
    "WebM": {"name": "clip.webm", "codec": "libvpx-vp9", "options": {"lag-in-frames": "16", "cpu-used": "8"}},
    "odd size": {"size": (131, 75), "pixels": "yuv444p"},
    "10 bits": {"pixels": "yuv420p10le"},
}


def _read_all(reader: VideoReader) -> list[tuple[int, float, np.ndarray]]:
    return list(iter(reader.read, None))


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_every_frame_is_read_in_order(layout: str, make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    with VideoReader(make_video(**_LAYOUTS[layout])) as reader:
        got = _read_all(reader)
        count = reader.info.frames
    assert count == _LAYOUTS[layout].get("frames", 30)
    assert [index for index, _, _ in got] == list(range(count))
    assert [read_bar_code(image) for _, _, image in got] == list(range(count))
    assert [time for _, time, _ in got] == reader.times
    assert reader.times[0] == 0.0
    assert reader.times == sorted(set(reader.times))


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_a_seek_lands_on_the_frame_asked_for(layout: str, make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    with VideoReader(make_video(**_LAYOUTS[layout])) as reader:
        order = [*list(range(reader.info.frames)), 3, 3, 4, 2, 0]
        random.Random(layout).shuffle(order)
        for wanted in order:
            reader.seek(wanted)
            index, _, image = reader.read() or pytest.fail(f"no frame at {wanted}")
            assert (index, read_bar_code(image)) == (wanted, wanted)


@pytest.mark.parametrize(
    "fps", [Fraction(1, 2), 6, Fraction(25, 2), 15, Fraction(24000, 1001), 25, Fraction(30000, 1001), 48, 50, 120]
)
def test_times_and_rate_at_odd_frame_rates(fps: Fraction | int, make_video: MakeVideo) -> None:
    with VideoReader(make_video(fps=fps, frames=12, options={"bf": "2"})) as reader:
        assert reader.times == pytest.approx([index / float(fps) for index in range(12)], abs=1e-4)
        assert reader.info.fps == pytest.approx(float(fps))
        assert reader.info.duration == pytest.approx(12 / float(fps), abs=1e-4)


def test_variable_frame_rate_keeps_its_times(make_video: MakeVideo) -> None:
    with VideoReader(make_video(**_LAYOUTS["variable frame rate"])) as reader:
        assert reader.times == pytest.approx(_IRREGULAR, abs=1e-3)
        assert reader.info.fps == pytest.approx(19 / 5.0, rel=0.01)


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_rotated_frames_come_upright(clockwise: int, make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    path = make_video(rotation=-clockwise, frames=5)
    info = probe(path)
    assert info.rotation == clockwise
    assert (info.width, info.height) == ((64, 120) if clockwise in (90, 270) else (120, 64))
    images = read_frames(path, range(5))
    assert images.shape == (5, info.height, info.width, 3)
    assert images.flags.c_contiguous
    as_stored = [np.rot90(image, clockwise // 90) for image in images]
    assert [read_bar_code(image) for image in as_stored] == list(range(5))


@pytest.mark.parametrize(
    ("size", "matrix", "full_range", "tagged"),
    [
        ((64, 48), (0.299, 0.114), False, True),
        ((64, 48), (0.299, 0.114), False, False),
        ((64, 48), (0.2126, 0.0722), False, True),
        ((64, 48), (0.2126, 0.0722), True, True),
        ((64, 720), (0.2126, 0.0722), False, False),
    ],
    ids=["601", "SD untagged", "709", "709 full range", "HD untagged"],
)
@pytest.mark.parametrize("bits", [8, 10])
def test_colours_come_back(
    size: tuple[int, int], matrix: tuple[float, float], full_range: bool, tagged: bool, bits: int, tmp_path: Path
) -> None:
    colour = np.array([200.0, 40.0, 90.0])
    path = tmp_path / "colour.mp4"
    _write_colour(path, colour, size, matrix, full_range, tagged, bits)
    image = read_frames(path, [0])[0]
    assert np.abs(image.reshape(-1, 3) - colour).max() <= 3


def _write_colour(
    path: Path,
    colour: np.ndarray,
    size: tuple[int, int],
    matrix: tuple[float, float],
    full_range: bool,
    tagged: bool,
    bits: int,
) -> None:
    red, blue = matrix
    luma = red * colour[0] + (1 - red - blue) * colour[1] + blue * colour[2]
    chroma = [(colour[2] - luma) / (2 * (1 - blue)), (colour[0] - luma) / (2 * (1 - red))]
    unit = 2 ** (bits - 8)
    planes = [luma, chroma[0] + 128, chroma[1] + 128]
    if not full_range:
        planes = [16 + luma * 219 / 255, *(128 + c * 224 / 255 for c in chroma)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv444p" if bits == 8 else "yuv444p10le"
        dtype = np.uint8 if bits == 8 else np.uint16
        values = np.stack([np.full(size[::-1], round(plane * unit), dtype) for plane in planes])
        picture = av.VideoFrame(*size, stream.pix_fmt)
        for plane, value in zip(picture.planes, values, strict=True):
            rows = np.frombuffer(plane, dtype).reshape(size[1], -1)
            rows[:, : size[0]] = value
        if tagged:
            stream.codec_context.colorspace = picture.colorspace = 1 if red < 0.25 else 6
        stream.codec_context.color_range = picture.color_range = 2 if full_range else 1
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def test_read_frames_takes_indices_in_any_order(make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    indices = [17, 3, 3, 29, 0, 17]
    images = read_frames(make_video(options={"g": "10", "bf": "2"}), indices)
    assert images.shape == (6, 64, 120, 3)
    assert images.dtype == np.uint8
    assert [read_bar_code(image) for image in images] == indices


@pytest.mark.parametrize("indices", [[30], [-1, 2]])
def test_read_frames_refuses_what_is_not_there(indices: list[int], make_video: MakeVideo) -> None:
    with pytest.raises(IndexError):
        read_frames(make_video(), indices)


def test_read_frames_decodes_no_more_than_it_takes(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video(frames=200, options={"g": "20", "bf": "0"})
    decoded = []
    decode = decoding._decode

    def counting(*arguments):
        for picture in decode(*arguments):
            decoded.append(picture.pts)
            yield picture

    monkeypatch.setattr(decoding, "_decode", counting)
    read_frames(path, [125, 131])
    # The first frame, which tells how frames lie; then from the key frame 120 to 131.
    assert len(decoded) == 1 + 12


def test_the_better_of_two_streams_is_read(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream, width in zip(streams, (64, 128), strict=True):
            stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
        for stream in streams:
            picture = np.zeros((48, stream.width, 3), np.uint8)
            for _ in range(5):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    assert probe(path).width == 128


@pytest.mark.parametrize("kept", [0.98, 0.9, 0.7, 0.5])
@pytest.mark.parametrize(
    "layout",
    [
        {"name": "cut.mp4", "container_options": {"movflags": "faststart"}},
        {"name": "cut.mkv"},
        {"name": "cut.ts"},
        {"name": "cut.avi", "codec": "mpeg4"},
    ],
    ids=lambda layout: layout["name"],
)
def test_a_truncated_file_has_the_frames_it_hands_out(
    layout: dict, kept: float, make_video: MakeVideo, read_bar_code: ReadBarCode
) -> None:
    path = make_video(frames=60, options={"g": "3", "bf": "0"}, **layout)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with VideoReader(path) as reader:
        got = _read_all(reader)
        assert len(got) == reader.info.frames == len(reader.times)
    assert 0 < len(got) <= 60
    # What the cut went through may show traces of it; all before is whole.
    assert [read_bar_code(image) for _, _, image in got[:-1]] == list(range(len(got) - 1))


@pytest.mark.parametrize("bframes", ["0", "3"])
def test_pictures_that_none_refers_to_are_left_out_and_no_pixel_differs(bframes: str, make_video: MakeVideo) -> None:
    """On the way to a frame a decoder need not make those that no other is made from."""
    options = {"g": "20", "bf": bframes, "b-pyramid": "normal", "x264-params": "open-gop=1"}
    path = make_video(frames=70, options=options)
    with VideoReader(path) as reader:
        through = [image for _, _, image in _read_all(reader)]
    rng = np.random.default_rng(0)
    for _ in range(20):
        indices = rng.integers(0, 70, 6).tolist()
        assert np.array_equal(read_frames(path, indices), [through[index] for index in indices])


def _with_damage(make_video: MakeVideo, *damaged: int) -> Path:
    path = make_video("clip.mov", codec="png", pixels="rgb24", frames=10)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = path.read_bytes()
    for index in damaged:
        at = content.index(packets[index])
        content = content[:at] + bytes(len(packets[index])) + content[at + len(packets[index]) :]
    path.write_bytes(content)
    return path


def test_a_damaged_frame_is_passed_over(make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    with VideoReader(_with_damage(make_video, 3, 4)) as reader:
        got = _read_all(reader)
        assert [index for index, _, _ in got] == [0, 1, 2, 5, 6, 7, 8, 9]
        assert [read_bar_code(image) for _, _, image in got] == [0, 1, 2, 5, 6, 7, 8, 9]
        reader.seek(4)
        assert (reader.read() or pytest.fail("nothing read"))[0] == 5


def test_a_neighbour_stands_in_for_a_damaged_frame(make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    images = read_frames(_with_damage(make_video, 3, 4, 9), [2, 3, 4, 8, 9])
    assert [read_bar_code(image) for image in images] == [2, 5, 5, 8, 8]


def test_a_first_frame_that_is_damaged_does_not_hide_the_rest(make_video: MakeVideo) -> None:
    with VideoReader(_with_damage(make_video, 0)) as reader:
        assert [index for index, _, _ in _read_all(reader)] == list(range(1, 10))
        reader.seek(0)
        assert (reader.read() or pytest.fail("nothing read"))[0] == 1


def _missing(folder: Path, _: MakeVideo) -> Path:
    return folder / "missing.mp4"


def _folder(folder: Path, _: MakeVideo) -> Path:
    return folder


def _empty(folder: Path, _: MakeVideo) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _text(folder: Path, _: MakeVideo) -> Path:
    path = folder / "notes.mp4"
    path.write_text("Not a video.\n" * 1000)
    return path


def _sound(folder: Path, _: MakeVideo) -> Path:
    path = folder / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    return path


def _without_its_end(_: Path, make_video: MakeVideo) -> Path:
    path = make_video()
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def _all_damaged(_: Path, make_video: MakeVideo) -> Path:
    return _with_damage(make_video, *range(10))


def _play_list(folder: Path, make_video: MakeVideo) -> Path:
    path = folder / "list.ffconcat"
    path.write_text(f"ffconcat version 1.0\nfile {make_video().name}\n")
    return path


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (_missing, "there is no such file"),
        (_folder, "it is a folder"),
        (_empty, "it is empty"),
        (_text, "it is not a video, or only a piece of one"),
        (_sound, "it holds sound but no pictures"),
        (_without_its_end, "it is not a video, or only a piece of one"),
        (_all_damaged, "no frame of it can be decoded"),
        (_play_list, "it is a list of other files"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_cause(
    make: Callable[[Path, MakeVideo], Path], cause: str, tmp_path: Path, make_video: MakeVideo
) -> None:
    path = make(tmp_path, make_video)
    with pytest.raises(SourceError) as caught:
        probe(path)
    assert str(caught.value) == f"{path} cannot be read as a video: {cause}."


@pytest.mark.parametrize("name", ["with spaces, 走路.mp4", "100%d.mp4", "a:b.mp4", "-x.mp4"])
def test_names_are_taken_as_they_are(name: str, make_video: MakeVideo, tmp_path: Path) -> None:
    path = tmp_path / "names" / name
    path.parent.mkdir()
    shutil.copy(make_video(frames=2), path)
    assert probe(path).frames == 2


_REAL = {
    "decord/unordered.mov": (4, 50, 50, 0),
    "decord/video_0.mov": (3, 568, 320, 0),
    "decord/video_90.mov": (3, 320, 568, 90),
    "decord/video_180.mov": (3, 568, 320, 180),
    "made/naïve 走路 name with spaces.mp4": (40, 320, 240, 0),
    "made/one_frame.mp4": (1, 320, 240, 0),
    "made/wrong_frame_count_header_walk.avi": (40, 320, 240, 0),
    "torchcodec/bt709_full_range.mp4": (30, 1280, 720, 0),
    "torchcodec/h264_10bits.mp4": (30, 200, 200, 0),
    "torchcodec/h265_video.mp4": (10, 128, 128, 0),
    "torchcodec/nasa_13013.mp4": (390, 480, 270, 0),
}


@pytest.mark.parametrize("name", _REAL)
def test_real_files_are_read_to_their_end(name: str, shared_data: Path) -> None:
    with VideoReader(shared_data / "robustness" / name) as reader:
        info = reader.info
        assert (info.frames, info.width, info.height, info.rotation) == _REAL[name]
        shapes = [image.shape for _, _, image in _read_all(reader)]
    assert shapes == [(info.height, info.width, 3)] * info.frames


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("empty.mp4", "it is empty"),
        ("text_named.avi", "it is not a video, or only a piece of one"),
        ("truncated_walk.mp4", "no frame of it can be decoded"),
    ],
)
def test_real_files_are_refused_with_a_sentence(name: str, cause: str, shared_data: Path) -> None:
    with pytest.raises(SourceError, match=f"{name} cannot be read as a video: {cause}"):
        probe(shared_data / "robustness" / "made" / name)


def test_no_real_file_is_left_out(shared_data: Path) -> None:
    folder = shared_data / "robustness"
    refused = {"made/empty.mp4", "made/text_named.avi", "made/truncated_walk.mp4"}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == refused | set(_REAL)


@pytest.mark.parametrize(
    "name", ["ucf101_samples/v_ApplyEyeMakeup_g01_c01.avi", "mmaction2/demo.mp4", "intel_asl_gestures/again.mkv"]
)
def test_seeking_in_a_real_file_gives_what_reading_through_gives(name: str, shared_data: Path) -> None:
    path = shared_data / "demo" / name
    with VideoReader(path) as reader:
        through = {index: image for index, _, image in _read_all(reader) if index in (7, 40, 41, 70)}
        for index in (41, 7, 70, 40):
            reader.seek(index)
            index_read, _, image = reader.read() or pytest.fail("nothing read")
            assert index_read == index
            np.testing.assert_array_equal(image, through[index])


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal there: its references are not counted")
def test_reading_leaks_no_reference(make_video: Callable[..., Path]) -> None:
    with VideoReader(make_video(frames=60)) as reader:
        reader.read()
        before = sys.getrefcount(None)
        for _ in range(50):
            reader.read()
        assert sys.getrefcount(None) - before < 10
