"""Print ``docs/features.md``: the registry as a page for people."""

import sys

from contracts.features import page

if __name__ == "__main__":
    sys.stdout.write(page.page())
