"""Reading video files: which frames there are, and exactly the ones asked for, upright and in RGB.

A frame's index is its place in presentation order. Headers lie about how many frames a file has and when each is
shown; its packets tell, at the cost of reading the file once without decoding it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tmnet_core.data.conversion import PictureConverter
from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError

Threads = Literal["AUTO", "NONE"]

_FPS_WHEN_UNKNOWN = 25.0
_MOST_PIXELS = 128 * 2**20
_PLAY_LISTS = ("concat", "hls", "dash")
# Whose decoders can be told, packet by packet, to leave out a picture that none refers to, and know which those are.
_LEAVES_OUT = frozenset({"h264"})
# Decoding on over so few frames costs less than emptying the decoder at a key frame.
_NEAR = 16


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video file holds.

    Attributes:
        path: the file.
        width: pixels, after rotation.
        height: pixels, after rotation.
        fps: frames per second, on average.
        frames: how many there are; counted, not taken from a header.
        duration: seconds from the first frame's start to the last frame's end.
        rotation: by how many degrees clockwise (0, 90, 180, 270) frames are turned to stand upright.
    """

    path: Path
    width: int
    height: int
    fps: float
    frames: int
    duration: float
    rotation: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself, true or not.

    Attributes:
        frames: how many it has; 0 where it does not say.
        fps: frames per second; 0 where it does not say.
        codec: the name of its format, such as h264.
    """

    frames: int
    fps: float
    codec: str


def probe(path: str | Path) -> VideoInfo:
    """Return what a file holds; SourceError unless at least one frame can be decoded."""
    with VideoReader(path, threads="NONE") as reader:
        return reader.info


def frames_between(path: str | Path, start: float, end: float | None) -> range:
    """Return the frames shown from `start` to before `end`, in seconds from the first frame; None: to the last one."""
    with VideoReader(path, threads="NONE") as reader:
        return reader.between(start, end)


def read_frames(path: str | Path, indices: Sequence[int]) -> Image:
    """Return the frames asked for, N×H×W×3 uint8 RGB and upright, by one seek and no more decoding than it takes.

    Indices may repeat and come in any order; one that is not in the file is an IndexError. A frame too damaged to
    decode is stood in for by the next one that decodes, else by the one before.
    """
    with VideoReader(path, threads="NONE") as reader:
        frames = np.empty((len(indices), reader.info.height, reader.info.width, 3), dtype=np.uint8)
        reached, newest = -1, -1  # The newest frame that was read, and its place.
        for place in sorted(range(len(indices)), key=lambda place: indices[place]):
            if newest < 0 or indices[place] > reached:
                reader.seek(indices[place])
                found = reader.read(_given(frames[place]))
                reached, newest = (len(reader.times), newest) if found is None else (found[0], place)
            if newest < 0:
                raise _unreadable(reader.path, f"frame {indices[place]} and all after it are damaged")
            if newest != place:
                frames[place] = frames[newest]
    return frames


class VideoReader:
    """Reads the frames of one file in order, starting anywhere; for use by one thread at a time.

    `threads` is AUTO to decode on all cores, for playing, or NONE where many files are read side by side.

    Attributes:
        path: the file.
        times: presentation time of each frame in seconds, ascending from 0.
        info: what the file holds.
        header: what it says of itself.
        concealed: how many of the frames decoded so far were damaged and patched over by the decoder.

    Raises:
        SourceError: there is no such file, or no frame of it can be decoded.
    """

    def __init__(self, path: str | Path, *, threads: Threads = "AUTO") -> None:
        self.path = Path(path)
        self._threads: Threads = threads
        self._frames = _list_frames(self.path, threads)
        first = self._frames.stamps[0]
        self.times = [(stamp - first) * self._frames.time_base for stamp in self._frames.stamps]
        self._converter = PictureConverter()
        self._next = 0
        self.concealed = 0
        # The newest decoded frame: its index, and its picture until it is handed out or passed over.
        self._reached = -1
        self._held: VideoFrame | None = None
        self._container, self._stream = _open(self.path, threads)
        self._start_decoding()
        if self._held is None:
            self.close()
            raise _unreadable(self.path, "no frame of it can be decoded")
        self._size: tuple[int, int] = (self._held.width, self._held.height)
        self._quarter_turns: int = round(self._held.rotation / 90) % 4
        self.info: VideoInfo = self._describe()
        stream = self._stream
        self.header: Header = Header(stream.frames, float(stream.average_rate or 0), stream.codec_context.name)

    def read(self, allocate: Callable[[int, int], Image] | None = None) -> tuple[int, float, Image] | None:
        """Return the next frame's index, time and H×W×3 picture, passing over damaged ones; None at the end.

        `allocate` makes the array for the picture, from its height and width.
        """
        while self._held is None or self._reached < self._next:
            if not self._decode_one():
                return None
        picture, self._held = self._held, None
        self._next = self._reached + 1
        image = self._converter.convert(picture, self._size, self._quarter_turns, allocate)
        return self._reached, self.times[self._reached], image

    def seek(self, index: int) -> None:
        """Make this frame the next to be read (or, should it be damaged, the first after it); IndexError."""
        if not 0 <= index < len(self.times):
            raise IndexError(f"{self.path} has {len(self.times)} frames, so none with index {index}.")
        self._next = index
        passed = index < self._reached or (index == self._reached and self._held is None)
        far = index > self._reached + _NEAR and self._frames.key_frame_between(self._reached, index)
        if passed or far:
            self._jump(index)

    def between(self, start: float, end: float | None) -> range:
        """Return the frames shown from `start` to before `end`, in seconds; None: to the last one."""
        last = len(self.times) if end is None else bisect_left(self.times, end)
        return range(bisect_left(self.times, start), last)

    def close(self) -> None:
        """Close the file; may be called again."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _jump(self, index: int) -> None:
        """Go to the key frame before `index`; where the file does not lead there, to its beginning."""
        for target, latest in self._frames.seek_targets(index):
            try:
                self._container.seek(target, stream=self._stream, backward=True)
            except av.FFmpegError:
                break
            self._start_decoding()
            if self._held is not None and self._reached <= latest:
                return
        self._rewind()

    def _rewind(self) -> None:
        """Open the file anew: the one way back to the beginning that every format has."""
        self._container.close()
        self._container, self._stream = _open(self.path, self._threads)
        self._start_decoding()

    def _start_decoding(self) -> None:
        leaves_out = self._frames.timed and self._stream.codec_context.name in _LEAVES_OUT
        self._pictures = _decode(self._container, self._stream, self._is_passed_over if leaves_out else None)
        self._decoded = 0
        self._reached, self._held = -1, None
        self._decode_one()

    def _decode_one(self) -> bool:
        """Hold the next picture that belongs to a listed frame; False at the end."""
        self._held = None
        for picture in self._pictures:
            stamp = picture.pts if self._frames.timed else self._decoded
            self._decoded += 1
            self.concealed += picture.is_corrupt
            index = self._frames.index(stamp)
            if index is not None:
                self._reached, self._held = index, picture
                return True
        return False

    def _is_passed_over(self, stamp: int | None) -> bool:
        index = self._frames.index(stamp)
        return index is not None and index < self._next

    def _describe(self) -> VideoInfo:
        width, height = self._size[::-1] if self._quarter_turns % 2 else self._size
        fps = self._mean_fps()
        return VideoInfo(
            path=self.path,
            width=width,
            height=height,
            fps=fps,
            frames=len(self.times),
            duration=self.times[-1] + 1.0 / fps,
            rotation=-self._quarter_turns % 4 * 90,
        )

    def _mean_fps(self) -> float:
        """Frames per second from their times; the header's exact fraction where the two agree."""
        stated = float(self._stream.average_rate or _FPS_WHEN_UNKNOWN)
        if self.times[-1] <= 0.0:
            return stated
        measured = (len(self.times) - 1) / self.times[-1]
        return stated if abs(stated - measured) < 0.01 * measured else measured


@dataclass(frozen=True, slots=True)
class _FrameList:
    """The frames of a file, as the packets tell.

    Attributes:
        stamps: one a frame, ascending: presentation time stamps, or mere counts where the file has no usable ones.
        time_base: seconds per unit of a stamp.
        key_frames: ascending (presentation, decoding) time stamps of the frames that decoding can start from.
        timed: whether stamps are time stamps.
    """

    stamps: list[int]
    time_base: float
    key_frames: list[tuple[int, int]]
    timed: bool

    def index(self, stamp: int | None) -> int | None:
        """The frame with this stamp; None if the list has none."""
        if stamp is None:
            return None
        index = bisect_left(self.stamps, stamp)
        return index if index < len(self.stamps) and self.stamps[index] == stamp else None

    def key_frame_between(self, reached: int, index: int) -> bool:
        """Whether decoding could start after frame `reached` to get to frame `index`."""
        place = self._key_frame_before(index)
        return place >= 0 and self.key_frames[place][0] > self.stamps[max(reached, 0)]

    def seek_targets(self, index: int) -> list[tuple[int, int]]:
        """Time stamps to seek backward from to land where frame `index` can be decoded; none: the beginning.

        Formats differ in whether they seek by presentation or by decoding time. The key frame's presentation time is
        the later of the two and may lead beyond it, its decoding time may lead to the key frame before, which costs as
        much again. Each comes with the latest frame that may follow if it led to the right place.
        """
        place = self._key_frame_before(index)
        if place < 0:
            return []
        presented, decoded = self.key_frames[place]
        return [(presented, bisect_left(self.stamps, presented)), (decoded, index)]

    def _key_frame_before(self, index: int) -> int:
        return bisect_right(self.key_frames, self.stamps[index], key=lambda stamps: stamps[0]) - 1


def _list_frames(path: Path, threads: Threads) -> _FrameList:
    container, stream = _open(path, threads)
    with container:
        packets, whole = _read_packets(container, stream)
        time_base = float(stream.time_base or 0) or 1.0 / _FPS_WHEN_UNKNOWN
        count_base = 1.0 / float(stream.average_rate or _FPS_WHEN_UNKNOWN)
        stamps = sorted(packet.pts for packet in packets if packet.pts is not None)
        timed = len(stamps) == len(packets) and not (container.format.name == "avi" and _reorders(packets))
        keys = sorted(
            (packet.pts, packet.pts if packet.dts is None else min(packet.dts, packet.pts))
            for packet in packets
            if packet.is_keyframe and packet.pts is not None
        )
    if not packets:
        raise _unreadable(path, "it holds no pictures")
    if not whole or not _all_decodable(packets, stamps):
        stamps, timed = _list_by_decoding(path, threads)
    elif not timed:
        stamps = list(range(len(packets)))
    return _FrameList(stamps, time_base, keys, True) if timed else _FrameList(stamps, count_base, [], False)


def _read_packets(container: InputContainer, stream: VideoStream) -> tuple[list[Packet[VideoStream]], bool]:
    """Return the packets that become pictures, in decoding order, and whether the file was read to its true end."""
    packets: list[Packet[VideoStream]] = []
    try:
        packets.extend(packet for packet in container.demux(stream) if packet.size and not packet.is_discard)
    except av.FFmpegError:
        return packets, False
    return packets, True


def _reorders(packets: list[Packet[VideoStream]]) -> bool:
    """Whether decoding and presentation order differ; AVI stores only the first, and guesses of the other are wrong."""
    return any(packet.pts != packet.dts for packet in packets)


def _all_decodable(packets: list[Packet[VideoStream]], stamps: list[int]) -> bool:
    """Whether there is no sign that packets and pictures differ; only such a sign is worth decoding the file for."""
    first = packets[0]
    return (
        first.is_keyframe
        and not any(packet.is_corrupt for packet in packets)
        and all(earlier < later for earlier, later in pairwise(stamps))
        # Frames shown before the first key frame refer to what was cut away.
        and (first.pts is None or not stamps or first.pts == stamps[0])
    )


def _list_by_decoding(path: Path, threads: Threads) -> tuple[list[int], bool]:
    """Return the stamps of the pictures that decode, and whether they are time stamps."""
    container, stream = _open(path, threads)
    with container:
        stamps = [picture.pts for picture in _decode(container, stream)]
    if not stamps:
        raise _unreadable(path, "no frame of it can be decoded")
    times = [stamp for stamp in stamps if stamp is not None]
    if len(times) == len(stamps) and all(earlier < later for earlier, later in pairwise(times)):
        return times, True
    return list(range(len(stamps))), False


def _decode(
    container: InputContainer, stream: VideoStream, passed_over: Callable[[int | None], bool] | None = None
) -> Iterator[VideoFrame]:
    """Decode on from where the container stands, to the end of what can be read.

    Pictures whose stamps are `passed_over` are left out where no other picture refers to them.
    """
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError:
            # The file ends in the middle of a packet: what the decoder still holds is good.
            yield from stream.codec_context.decode(None)
            return
        if passed_over is not None:
            stream.codec_context.skip_frame = "NONREF" if passed_over(packet.pts) else "DEFAULT"
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue  # A damaged packet costs its own picture, no other.


def _given(place: Image) -> Callable[[int, int], Image]:
    """Return what hands out this place for a picture, whatever its height and width."""
    return lambda height, width: place


def _open(path: Path, threads: Threads) -> tuple[InputContainer, VideoStream]:
    """Open a file at the largest of its video streams; SourceError."""
    _check_file(path)
    try:
        # So neither the name nor the content is taken for an address to connect to.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except av.FFmpegError as error:
        raise _unreadable(path, "it is not a video, or only a piece of one") from error
    if container.format.name in _PLAY_LISTS:
        container.close()
        raise _unreadable(path, "it is a list of other files")
    # Cover art of a song counts as a video stream, too.
    streams = [stream for stream in container.streams.video if Disposition.attached_pic not in stream.disposition]
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        kinds = "sound but no pictures" if container.streams.audio else "no pictures"
        container.close()
        raise _unreadable(path, "there is no decoder for its format" if streams else f"it holds {kinds}")
    stream = max(decodable, key=lambda stream: stream.width * stream.height)
    if stream.width * stream.height > _MOST_PIXELS:
        container.close()
        raise _unreadable(path, f"its pictures have more than {_MOST_PIXELS // 2**20} million pixels")
    stream.thread_type = threads
    return container, stream


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise _unreadable(path, "it is a folder")
    if not path.exists():
        raise _unreadable(path, "there is no such file")
    if not path.is_file():
        raise _unreadable(path, "it is not a file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    if empty:
        raise _unreadable(path, "it is empty")


def _unreadable(path: Path, cause: str) -> SourceError:
    return SourceError(f"{path} cannot be read as a video: {cause}.")
