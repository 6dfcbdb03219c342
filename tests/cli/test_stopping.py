"""Signals that ask to end: what they raise is not lost where Python drops exceptions."""

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
SCRIPT = """\
import os, signal, time
from curate.cli.stopping import asked, end_in_order

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), {number})

end_in_order()
try:
    Deaf()
    print("went on", flush=True)
    time.sleep(60)
except KeyboardInterrupt as stop:
    print(type(stop).__name__, asked())
"""


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGINT, "KeyboardInterrupt None"), (signal.SIGTERM, f"Stopped {signal.SIGTERM.value}")],
)
def test_what_python_drops_is_raised_again(number, said):
    script = SCRIPT.format(number=int(number))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert ended.stdout.splitlines() == ["went on", said]
    assert ended.stderr == ""
