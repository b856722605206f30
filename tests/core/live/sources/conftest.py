"""Servers on the loopback that hand out streams."""

from __future__ import annotations

import base64
import functools
import http.server
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tmnet_core.live.sources import PatternSource

_PACKET = 1200
_FPS = 30


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve_folder(tmp_path: Path) -> Iterator[str]:
    """The address of a web server whose root is tmp_path."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class RtspServer(socketserver.ThreadingTCPServer):
    """Plays the test pattern in H.264 over RTP in RTSP, to whoever gives `anna:s3cret`; `on` False ends the playing."""

    allow_reuse_address = True
    on = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RtspSession)
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}/live"


class _RtspSession(socketserver.StreamRequestHandler):
    server: RtspServer

    def handle(self) -> None:
        while request := self._read_request():
            method, headers = request
            self.server.requests.append(method)
            key = base64.b64encode(b"anna:s3cret").decode()
            if method != "OPTIONS" and headers.get("authorization") != f"Basic {key}":
                self._answer(headers, "401 Unauthorized", 'WWW-Authenticate: Basic realm="door"')
            elif method == "DESCRIBE":
                self._describe(headers)
            elif method == "SETUP":
                transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
                self._answer(headers, "200 OK", transport, "Session: 1")
            elif method == "PLAY":
                self._answer(headers, "200 OK", "Session: 1")
                self._play()
                return
            else:
                self._answer(headers, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")

    def _read_request(self) -> tuple[str, dict[str, str]] | None:
        first = self.rfile.readline().decode()
        headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return (first.split()[0], headers) if first.strip() else None

    def _answer(self, headers: dict[str, str], status: str, *lines: str, body: str = "") -> None:
        length = [f"Content-Length: {len(body)}"] if body else []
        head = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *lines, *length, "", ""]
        self.wfile.write(("\r\n".join(head) + body).encode())

    def _describe(self, headers: dict[str, str]) -> None:
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=pattern", "c=IN IP4 0.0.0.0", "t=0 0", "m=video 0 RTP/AVP 96"]
        lines += ["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1", "a=control:track0", ""]
        self._answer(headers, "200 OK", "Content-Type: application/sdp", body="\r\n".join(lines))

    def _play(self) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 160, 120, "yuv420p", _FPS
        encoder.options = {"tune": "zerolatency", "g": "10"}
        source = PatternSource(f"pattern:160x120@{_FPS}")
        self._sequence = 0
        try:
            while self.server.on:
                frame = source.read()
                for packet in encoder.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")):
                    self._send(bytes(packet), frame.index)
                time.sleep(1 / _FPS)
        except OSError:
            pass

    def _send(self, stream: bytes, number: int) -> None:
        units = [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1") if unit.strip(b"\0")]
        for unit in units:
            last = unit is units[-1]
            if len(unit) <= _PACKET:
                self._send_packet(unit, number, last)
                continue
            # Too large for one packet: in pieces, the first and the last one marked (RFC 6184, FU-A).
            pieces = [unit[start : start + _PACKET] for start in range(1, len(unit), _PACKET)]
            for place, piece in enumerate(pieces):
                mark = 0x80 * (place == 0) | 0x40 * (place == len(pieces) - 1) | unit[0] & 0x1F
                packet = bytes([unit[0] & 0x60 | 28, mark]) + piece
                self._send_packet(packet, number, last and place == len(pieces) - 1)

    def _send_packet(self, payload: bytes, number: int, last: bool) -> None:
        stamp = number * 90_000 // _FPS
        header = struct.pack(">BBHII", 0x80, 0x80 * last | 96, self._sequence & 0xFFFF, stamp, 1)
        self._sequence += 1
        self.wfile.write(b"$\0" + struct.pack(">H", 12 + len(payload)) + header + payload)


@pytest.fixture
def rtsp() -> Iterator[RtspServer]:
    server = RtspServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.on = False
    server.shutdown()
    server.server_close()
    thread.join()
