"""`python -m labinterp.cli`."""

import sys

from labinterp.cli import main

sys.exit(main())
