"""TMNet: networks that learn from clips to recognise an action from one frame. Knows no Qt and needs no display."""

__version__ = "0.1.0"
