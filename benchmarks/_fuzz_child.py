"""What runs in a process of its own while files are fuzzed, since it may crash, hang or eat memory.

python -m benchmarks._fuzz_child decode MODALITY           # file names on standard input, a JSON line for each
python -m benchmarks._fuzz_child audit MODALITY FOLDER OUT  # audits the folder, writes JSON
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from curate.errors import DataError

Decode = Callable[[bytes], Any]
MEASURE_FAILED = " failed: "
"""Stands between the name of a measure and the exception that a row raised in it."""


def _decoders(modality: str) -> Sequence[Decode]:
    from curate.media import audio, image, mask, video

    if modality == "image":
        return image.decode, mask.decode
    if modality == "audio":
        return (audio.decode,)
    return (lambda data: video.decode(data, skim=True),)


def verdict(data: bytes, decoders: Sequence[Decode]) -> dict[str, str]:
    """``fine``, ``unreadable`` with the reason of the first decoder, or ``escaped`` with an exception of another kind.

    Only the first decides between fine and unreadable; the others may not let anything escape.
    """
    found: dict[str, str] = {}
    for decode in decoders:
        try:
            decode(data)
            said = {"outcome": "fine", "reason": ""}
        except DataError as error:
            said = {"outcome": "unreadable", "reason": str(error)}
            if not str(error).strip():
                said = {"outcome": "escaped", "reason": "an error without a reason"}
        except Exception as error:  # that is what is looked for
            said = {"outcome": "escaped", "reason": f"{type(error).__name__}: {error}"[:300]}
        if not found or said["outcome"] == "escaped":
            found = said
    return found


def decode_all(modality: str) -> None:
    """Answer each file name with a verdict."""
    decoders = _decoders(modality)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        said = verdict(Path(line.rstrip("\n")).read_bytes(), decoders)
        said["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(said), flush=True)


def became(reason: str) -> dict[str, str]:
    """What became of a row that the audit calls unreadable: ``escaped`` where a measure failed on it."""
    return {"outcome": "escaped" if MEASURE_FAILED in reason else "unreadable", "reason": reason}


def audit(modality: str, folder: Path, out: Path) -> None:
    """Audit a folder with every default check; say of every file what became of its row."""
    import curate
    from curate.evidence import EvidenceSettings

    table = curate.load(folder)
    report = curate.audit(table, evidence=EvidenceSettings(encoder="classic"), cache=None)
    paths = table.origin["file"].to_pylist()
    found = report.findings
    lines = found.select(["row", "check", "is_issue", "reason"]).to_pylist()
    reasons = {line["row"]: line["reason"] for line in lines if line["check"] == "unreadable" and line["is_issue"]}
    judged = {line["row"] for line in lines if line["check"] == f"{modality}_quality"}
    rows = {
        path: became(reasons[row])
        if row in reasons
        else {"outcome": "fine" if row in judged else "unaccounted", "reason": ""}
        for row, path in enumerate(paths)
    }
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # it decodes in processes of its own
    peak = max(resource.getrusage(one).ru_maxrss for one in whose) // 1024
    out.write_text(json.dumps({"rows": rows, "skipped": report.skipped, "peak_mb": peak}))


if __name__ == "__main__":
    if sys.argv[1] == "decode":
        decode_all(sys.argv[2])
    else:
        audit(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
