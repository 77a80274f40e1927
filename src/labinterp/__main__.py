"""`python -m labinterp`."""

import sys

from labinterp.cli import main

sys.exit(main())
