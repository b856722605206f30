"""What becomes of damaged and hostile files, of faults on purpose, and of a network that fails: `tmnet stress`."""
