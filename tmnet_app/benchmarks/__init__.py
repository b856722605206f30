"""What the window costs, measured in a process of its own; `tmnet bench` starts it and collects the figures."""
