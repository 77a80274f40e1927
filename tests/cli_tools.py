"""What the tests of the command line share."""

import os
import subprocess
import sys

from labinterp.cli import main

PANELS = """\
patient_id,test,value,unit,age,sex,collected_at
MRN-77,25-hydroxyvitamin D,9,ng/mL,54,female,2026-01-01
MRN-77,17861-6,"7,9",mg/dL,54,female,2026-01-01
MRN-77,albumin,4.1,g/dL,54,female,2026-01-01
MRN-88,magnesium,1.1,mg/dL,54,male,2026-01-01
MRN-88,vitamin b12,<120,pg/mL,54,male,2026-01-01
MRN-88,calcitriol,17.25,mg/dL,54,male,2026-01-01
MRN-88,homocysteine,22,umol/L,54,male,2026-01-01
MRN-99,calcium,9.5,,54,male,2026-01-01
MRN-99,calcium,HEMOLYZED,mg/dL,54,male,2026-01-01
"""
HEALTHY = "patient_id,test,value,unit,age,sex\nMRN-11,magnesium,2.0,mg/dL,40,female\n"


def run(capsys, *args):
    """Run a command in this process; return exit code, standard output and standard error."""
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


def launch(*args, stdin=b"", **environment):
    """Run a command in a process of its own."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, "-W", "error", "-m", "labinterp.cli", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, env=env, timeout=120, check=False)  # noqa: S603 - our own module
