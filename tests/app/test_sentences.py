from __future__ import annotations

import pytest

from tmnet_app.sentences import sentence


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("checkpoint x: it is empty", "Checkpoint x: it is empty."),
        ("http://door/live broke off.", "http://door/live broke off."),
        ("clip.mp4 cannot be read: it is empty.", "clip.mp4 cannot be read: it is empty."),
        (ValueError("is it?"), "Is it?"),
        ("", "."),
    ],
)
def test_names_stay_as_they_are(said: object, shown: str) -> None:
    assert sentence(said) == shown
