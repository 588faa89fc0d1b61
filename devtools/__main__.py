"""Entry point of `python3 -m devtools`."""

import sys

from .cli import main

sys.exit(main())
