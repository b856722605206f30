"""A short form of `tmnet stress streams --count 100`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tmnet_core.benchmarks.robustness.stream_server import Mood, StreamServer
from tmnet_core.benchmarks.robustness.streams import FAULTS, stress_streams
from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.sources import StreamSource, read_pattern_number
from tmnet_core.live.sources.remote import RemoteSource


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer() as server:
        yield server


def test_a_stream_that_fails_in_any_way_is_back_when_the_server_is() -> None:
    rows = stress_streams(len(FAULTS))
    assert [row.failures for row in rows] == [[]] * len(FAULTS)
    assert [row.tried for row in rows] == [1] * len(FAULTS)


def test_a_stream_is_read_here_and_in_a_process_of_its_own(server: StreamServer) -> None:
    for source in (StreamSource(server.url), RemoteSource(server.url)):
        source.open()
        assert (source.live, source.width, source.height) == (True, 160, 120)
        assert source.title == server.url
        assert source.gives == "mjpeg in mpjpeg"
        numbers = [read_pattern_number(source.read().image) for _ in range(3)]
        assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
        source.close()


def test_a_silent_server_is_left_after_the_timeout(server: StreamServer) -> None:
    source = StreamSource(server.url, timeout=0.5)
    assert source.read() is not None
    server.mood = Mood.STALLS
    with pytest.raises(SourceLostError, match="gives no picture any more: no answer in time"):
        while True:
            source.read()
    source.close()


def test_what_is_no_stream_is_refused_without_its_password(server: StreamServer) -> None:
    server.mood = Mood.REFUSES
    host = server.url.removeprefix("http://")
    with pytest.raises(SourceError) as caught:
        StreamSource(f"http://anna:s3cret@{host}?token=s3cret")
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).startswith(f"{server.url} cannot be opened: ")
    for url in ("ftp://anna:s3cret@door/x", "http://", "file:///etc/passwd"):
        with pytest.raises(SourceError, match="is no stream") as caught:
            StreamSource(url)
        assert "s3cret" not in str(caught.value)


def test_nobody_there_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match="nobody answers there"):
        StreamSource("http://anna:s3cret@127.0.0.1:9/live")
    printed = capfd.readouterr()
    assert "s3cret" not in printed.out + printed.err
