"""Network streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tmnet_core.data.conversion import PictureConverter
from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.live.sources.specs import public_spec

TIMEOUT = 5.0
SCHEMES = ("rtsp", "rtsps", "http", "https")
# A stream's play list must not lead to files of this computer.
_PROTOCOLS = "http,https,httpproxy,tcp,tls,crypto,rtsp,rtsps,rtp,udp"
_MOST_PIXELS = 2**26
_EARLIEST, _LATEST = -1.0, 1.0


class StreamSource(FrameSource):
    """An RTSP stream, or MJPEG, HLS or a whole video over HTTP; a change of size midway is fine.

    What a server gives as fast as it is taken (HLS, a video file) is read at its own pace. User and password may
    stand in the address; they are never shown.

    Args:
        timeout: seconds to wait for an answer, and for the next picture.

    Raises:
        SourceError: no answer in time, or an answer that is no video.
    """

    live = True

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        if parts.scheme.lower() not in SCHEMES or not parts.hostname:
            raise SourceError(f"{public_spec(url)} is no stream: its address begins with one of {', '.join(SCHEMES)}.")
        self.title = public_spec(url)
        self._timeout = timeout
        self._container, self._stream = self._connect(url)
        self._converter = PictureConverter()
        self._finite = self._container.duration is not None
        self._pace = _Pace() if self._finite or "hls" in self._container.format.name else None
        self._pictures = self._decode()
        self._reads = 0
        self._started: float | None = None
        self.width, self.height = self._stream.width, self._stream.height
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.fps = float(rate) if rate and rate < 1000 else None
        self.gives = f"{self._stream.codec_context.name} in {self._container.format.name.partition(',')[0]}"

    def read(self) -> Frame | None:
        """Wait for the next picture; None after the end of a whole video, SourceLostError where a stream breaks off."""
        try:
            picture = next(self._pictures, None)
        except av.FFmpegError as error:
            raise SourceLostError(f"{self.title} gives no picture any more: {_cause(error)}.") from None
        if picture is None:
            if self._finite:
                return None
            raise SourceLostError(f"{self.title} broke off.")
        if picture.width * picture.height > _MOST_PIXELS:
            raise SourceError(f"{self.title} cannot be played: its pictures are too large.")
        seconds = picture.time
        if self._pace is not None and seconds is not None:
            self._pace.wait_for(seconds)
        self.width, self.height = picture.width, picture.height
        image = self._converter.convert(picture, allocate=self.allocate)
        now = time.perf_counter()
        if self._started is None:
            self._started = now
        self._reads += 1
        return Frame(image, self._reads - 1, now - self._started, now)

    def close(self) -> None:
        """Hang up."""
        self._container.close()

    def _connect(self, url: str) -> tuple[av.container.InputContainer, VideoStream]:
        options = {"protocol_whitelist": _PROTOCOLS}
        if url.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
        try:
            container = av.open(url, options=options, timeout=self._timeout, metadata_errors="replace")
        except av.FFmpegError as error:
            raise SourceError(f"{self.title} cannot be opened: {_cause(error)}.") from None
        streams = [stream for stream in container.streams.video if stream.codec_context is not None]
        if not streams:
            container.close()
            raise SourceError(f"{self.title} cannot be played: it holds no pictures that can be decoded.")
        stream = max(streams, key=lambda stream: stream.width * stream.height)
        stream.thread_type = "SLICE"  # threads by frame would keep several pictures back
        return container, stream

    def _decode(self) -> Iterator[VideoFrame]:
        """Yield pictures; what nothing can be decoded from for too long counts as broken."""
        last = time.perf_counter()
        for packet in self._container.demux(self._stream):
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                pictures = []  # a damaged packet costs its own picture, no other
            yield from pictures
            now = time.perf_counter()
            last = now if pictures else last
            if now - last > self._timeout:
                raise SourceLostError(f"{self.title} sends nothing that can be decoded.")


class _Pace:
    """Holds pictures back until their time, counted from the first one; a leap in time starts the count anew."""

    def __init__(self) -> None:
        self._shift: float | None = None

    def wait_for(self, seconds: float) -> None:
        now = time.perf_counter()
        if self._shift is None or not _EARLIEST < seconds + self._shift - now < _LATEST:
            self._shift = now - seconds
        time.sleep(max(0.0, seconds + self._shift - now))


def _cause(error: av.FFmpegError) -> str:
    """Say why in words that never hold the address; FFmpeg's own messages do."""
    kind = type(error).__name__
    known = {
        "HTTPUnauthorizedError": "it wants a user name and a password",
        "HTTPForbiddenError": "the server refuses to show it",
        "HTTPNotFoundError": "the server does not know it",
        "ExitError": "no answer in time",
        "TimeoutError": "no answer in time",
        "ConnectionRefusedError": "nobody answers there",
        "InvalidDataError": "what comes is not a video",
        "EOFError": "it ended",
    }
    return known.get(kind, (error.strerror or kind).lower())
