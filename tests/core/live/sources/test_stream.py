"""Streams of every kind, from servers on the loopback; what becomes of a server that fails: see robustness."""

from __future__ import annotations

import time
from pathlib import Path

import av
import pytest

from tmnet_core.benchmarks.sources import write_pattern
from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.sources import StreamSource, open_source, read_pattern_number


def test_rtsp_is_played_with_its_password_and_without_showing_it(rtsp) -> None:
    source = open_source(f"rtsp://anna:s3cret@{rtsp.address}")
    assert (source.live, source.width, source.height, source.gives) == (True, 160, 120, "h264 in rtsp")
    assert source.title == f"rtsp://{rtsp.address}"
    numbers = [read_pattern_number(source.read().image) for _ in range(20)]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    rtsp.on = False
    with pytest.raises(SourceLostError) as caught:
        while True:
            source.read()
    assert "s3cret" not in str(caught.value)
    source.close()


def test_rtsp_without_its_password_is_refused(rtsp) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(f"rtsp://{rtsp.address}")
    assert str(caught.value) == f"rtsp://{rtsp.address} cannot be opened: it wants a user name and a password."


@pytest.mark.parametrize("name", ["video.mp4", "video.m3u8"])
def test_what_has_an_end_is_played_at_its_own_pace(name: str, serve_folder: str, tmp_path: Path) -> None:
    if name.endswith("mp4"):
        write_pattern(tmp_path / "moved.mp4", 160, 120, 45)
        with av.open(str(tmp_path / "moved.mp4")) as moved:
            _remux(moved, tmp_path / name, {"movflags": "faststart"})
    else:
        write_pattern(tmp_path / "whole.mp4", 160, 120, 45)
        with av.open(str(tmp_path / "whole.mp4")) as whole:
            _remux(whole, tmp_path / name, {"hls_time": "1"})
    source = open_source(f"{serve_folder}/{name}")
    began = time.perf_counter()
    assert [read_pattern_number(frame.image) for frame in iter(source.read, None)] == list(range(45))
    assert time.perf_counter() - began > 1.2
    assert source.read() is None
    source.close()


def _remux(whole: av.container.InputContainer, path: Path, options: dict[str, str]) -> None:
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)


def test_a_play_list_leads_to_no_file_of_this_computer(serve_folder: str, tmp_path: Path) -> None:
    secret = write_pattern(tmp_path / "secret.ts", 160, 120, 5)
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", "#EXTINF:1,", f"file://{secret}", "#EXT-X-ENDLIST", ""]
    (tmp_path / "evil.m3u8").write_text("\n".join(lines))
    with pytest.raises(SourceError, match="cannot be opened"):
        StreamSource(f"{serve_folder}/evil.m3u8")


def test_what_is_not_there_is_said(serve_folder: str) -> None:
    with pytest.raises(SourceError, match="the server does not know it"):
        open_source(f"{serve_folder}/none.mp4")
