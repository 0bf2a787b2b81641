"""Print every effective setting with its origin, or with ``--page`` the page ``docs/settings.md``."""

import argparse
import sys

from contracts.settings.options import add_options, load_options
from contracts.settings.page import effective, page


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m contracts.settings", description=__doc__)
    add_options(parser)
    parser.add_argument("--landing", help="landing area; its dataset.json is read")
    parser.add_argument("--page", action="store_true", help="print docs/settings.md instead")
    options = parser.parse_args()
    sys.stdout.write(page() if options.page else effective(load_options(parser, options, options.landing)))


if __name__ == "__main__":
    main()
