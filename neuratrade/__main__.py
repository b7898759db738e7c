"""The `neuratrade` command: every management command of the desk under one name, with one-line errors."""

import sys

from neuratrade import cli


def main() -> int:
    """Runs the command given on the command line; returns its exit code."""
    return cli.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
