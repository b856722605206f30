"""OpenCV, imported in one place so that it leaves the process fit for Qt: `from tmnet_core.opencv import cv2`.

OpenCV's wheel points the environment at its own Qt plugins, fonts and libraries. A later Qt application, and every
child process, would load those instead of its own.
"""

import os

_CLAIMED = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")
_before = {name: os.environ.get(name) for name in _CLAIMED}

# A picture's file may claim any size; this much is checked before memory is asked for.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**26))

import cv2  # noqa: E402

for _name, _value in _before.items():
    # Another package may have imported OpenCV first: then what was there before is OpenCV's own.
    if _value is None or os.path.dirname(cv2.__file__) in _value:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

# The pictures are small and torch owns the cores; a pool of threads that a forked worker inherits hangs it.
cv2.setNumThreads(1)

__all__ = ["cv2"]
