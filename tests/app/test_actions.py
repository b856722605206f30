from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence

from tmnet_app.actions import TABLE
from tmnet_core.assets import asset


def test_no_key_is_given_twice():
    keys = Counter(QKeySequence(key).toString() for entry in TABLE for key in entry.keys)
    assert all(count == 1 for count in keys.values()), keys


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_every_action_says_what_it_does(entry):
    assert entry.tip
    assert all(QKeySequence(key).count() == 1 for key in entry.keys)
    assert entry.icon is None or asset(f"icons/{entry.icon}.svg").is_file()
