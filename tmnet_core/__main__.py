"""`python -m tmnet_core` and the `tmnet` command."""

from __future__ import annotations

import sys

from tmnet_core.errors import TMNetError


def main() -> None:
    """Run the command line; what a person or the disk got wrong ends in one sentence and exit status 1."""
    from tmnet_core.cli import app

    try:
        app()
    except TMNetError as error:
        print(f"tmnet: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"tmnet: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
