"""A camera on the network that fails on purpose: MJPEG over HTTP, on the loopback alone."""

from __future__ import annotations

import contextlib
import threading
import time
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import numpy as np

from tmnet_core.live.sources.pattern import PatternSource
from tmnet_core.opencv import cv2

_BOUNDARY = b"--frame\r\n"
_TURN = 0.02


class Mood(StrEnum):
    """What the server does."""

    GOOD = "good"
    RESIZED = "changes size"
    STALLS = "stalls"
    DROPS = "drops the line"
    REFUSES = "refuses"
    GARBAGE = "sends garbage"
    TORN = "sends torn pictures"


class StreamServer:
    """Serves the test pattern, 50 frames a second, to whoever asks, in whatever mood it is in.

    Attributes:
        mood: may be changed at any time.
        url: where it is.
        served: how many requests were answered.
    """

    def __init__(self) -> None:
        self.mood = Mood.GOOD
        self.served = 0
        self.closing = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.serve(self)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}/live.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stream-server")
        self._thread.start()

    def close(self) -> None:
        """Hang up on everybody and end."""
        self.closing = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request until it or the server is gone."""
        if self.mood is Mood.REFUSES:
            request.send_error(503)
            return
        self.served += 1
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        with contextlib.suppress(OSError):  # they hung up
            self._send_frames(request)

    def _send_frames(self, request: BaseHTTPRequestHandler) -> None:
        small, large = PatternSource("pattern:160x120#65536"), PatternSource("pattern:320x240#65536")
        rng = np.random.default_rng(self.served)
        number = 0
        while not self.closing:
            time.sleep(_TURN)
            if self.mood in {Mood.DROPS, Mood.REFUSES}:
                return
            if self.mood is Mood.STALLS:
                continue
            source = large if self.mood is Mood.RESIZED else small
            source.seek(number)
            number += 1
            frame = source.read()
            assert frame is not None
            jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))[1].tobytes()
            if self.mood is Mood.TORN:
                jpeg = jpeg[: len(jpeg) // 2] + rng.bytes(len(jpeg) // 4)
            if self.mood is Mood.GARBAGE:
                request.wfile.write(rng.bytes(5000))
                continue
            head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
            request.wfile.write(_BOUNDARY + head + jpeg + b"\r\n")
