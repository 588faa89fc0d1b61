"""Entry point of `python3 -m tools.dev`."""

import sys

from .cli import main

sys.exit(main())
