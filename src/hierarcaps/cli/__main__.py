"""``python -m hierarcaps.cli``."""

import sys

from hierarcaps.cli.run import main

sys.exit(main())
