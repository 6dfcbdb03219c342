"""The command line: one thin file per command; errors become one sentence and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import re
import sys
from typing import Any

from curate.cli.stopping import asked, end_in_order
from curate.errors import CurateError

INTERRUPTED = 130
WAITING, SPINS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"), "1000"
"""How threads of OpenMP (torch, scikit-learn, faiss) wait for each other, unless the user says: after so many turns
they sleep. By default they turn for milliseconds, which beside other programs takes several times the CPU time."""
YOUNG_OBJECTS = 50_000
"""New containers after which Python looks for cycles; its 700 have it look hundreds of times at what imports leave."""
ESCAPED = re.compile("[\udc80-\udcff]")
"""What Python makes of bytes in names of files that are not UTF-8 text."""


def main() -> None:
    """Entry point of ``curate``."""
    if not set(WAITING) & set(os.environ):
        os.environ[WAITING[0]] = SPINS
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    _mend_streams()
    end_in_order()
    sys.exit(invoke(sys.argv[1:]))


def _mend_streams() -> None:
    """Have streams that were closed lead nowhere, and write what an encoding lacks (cp1252 has no ticks) in escapes.

    What a program puts in their place (`io.StringIO`) need not have an encoding, or be able to change it.
    """
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (for as long as we run)
        elif (getattr(stream, "encoding", None) or "utf-8").lower() != "utf-8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def invoke(arguments: list[str]) -> int:
    """Run one command and give its exit code: 0; 1 a gate failed; 2 wrong use or bad config; 3 the input can't be read;
    4 a fault of ours or of the machine; 130 interrupted, 143 or 129 asked to end (SIGTERM, SIGHUP). A check that judged
    no row is named in the notes."""
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        return _run(arguments)
    except CurateError as error:
        if debug:
            raise
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        kept = "" if "--no-cache" in arguments else "; what was measured is kept: run the same command again to go on"
        ended, code = ("interrupted", INTERRUPTED) if (by := asked()) is None else ("asked to end", 128 + by)
        return _say(f"{ended}{kept}", code)
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; point stdout elsewhere so that closing it is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        if isinstance(error, UnicodeEncodeError) and ESCAPED.search(error.object):
            return _say(_misnamed(error), 2)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _say(f"the disk is full: {error}; {_free_space(error)} and run the same command again", 4)
        return _say(f"a fault of curate or of this machine: {type(error).__name__}: {error}; see more with --debug", 4)


def _run(arguments: list[str]) -> int:
    import typer
    import typer.main

    from curate.cli.app import app

    command: Any = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="curate", standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # what click makes of a broken pipe, with 1, the exit code of a gate
        raise BrokenPipeError from None
    except Exception as fault:
        wrong: Any = fault
        # Wrong use of the command line. Its class is click's or typer's own, by typer's version; both can show it.
        show = getattr(wrong, "show", None)
        if show is None:
            raise
        if isinstance(said := getattr(wrong, "message", None), str):
            wrong.message = said.replace("Value error, ", "")  # pydantic's, which typer passes on
        show()
        return 2
    if code == INTERRUPTED:  # what typer makes of Ctrl-C, without a word
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _free_space(error: OSError) -> str:
    """What to do about a full disk; where no file is named, it may be one for a while, of a library."""
    if error.filename is not None:
        return "free some space"
    import tempfile

    return f"free some space (temporary files lie in {tempfile.gettempdir()}; TMPDIR names another folder)"


def _misnamed(error: UnicodeEncodeError) -> str:
    """What to do about a name of a file system that is no text."""
    near = error.object[max(0, error.start - 60) : error.end + 60]
    shown = near.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return f"{shown}: the name of a file or folder is not UTF-8 text; rename it"


def _say(message: str, code: int) -> int:
    lines = message.splitlines() or [""]
    print(f"curate: {lines[0]}", *lines[1:], sep="\n", file=sys.stderr)
    return code
