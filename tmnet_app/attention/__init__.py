"""What the window shows of attention, as values: no widget is in here."""
