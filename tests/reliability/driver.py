"""Runs the program again and again in forked processes, so that a test pays for its imports once.

Reads one request as JSON a line on standard input, and answers each with one line on standard output. With
faults.c loaded before it, a run can be made to die or to fail at its n-th change of a folder.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

MODES = {"kill": 1, "torn": 2, "error": 3, "full": 4}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run the program once, and say how that ended."""
    pipes = {name: os.pipe() for name in ("output", "errors", "changes")}
    child = os.fork()
    if not child:
        code = 70
        try:
            code = run(request, {name: writing for name, (_, writing) in pipes.items()})
        except Exception:  # noqa: BLE001 - whoever reads the test's failure must know
            traceback.print_exc()
        finally:
            os._exit(code)
    said = {}
    for name, (reading, writing) in pipes.items():
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            said[name] = pipe.read()
    _, status = os.waitpid(child, 0)
    return {**said, "code": os.waitstatus_to_exitcode(status), "changes": int(said["changes"] or 0)}


def run(request: dict[str, Any], pipes: dict[str, int]) -> int:
    """Be the program, in a process of its own."""
    os.dup2(os.open(request["stdin"], os.O_RDONLY), 0)
    os.dup2(pipes["output"], 1)
    os.dup2(pipes["errors"], 2)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", encoding="utf-8") for descriptor in (1, 2))
    from logstats import cli  # noqa: PLC0415 - imported by main() already
    from logstats.read import read_blocks  # noqa: PLC0415

    if request["block_size"]:
        for reader in ("logstats.pipeline", "logstats.runs"):
            module: Any = importlib.import_module(reader)
            module.read_blocks = partial(read_blocks, block_size=request["block_size"])
    if request["file_size"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"], request["file_size"]))
    if request["umask"] is not None:
        os.umask(request["umask"])
    faults = ctypes.CDLL(None) if "LD_PRELOAD" in os.environ else None
    if faults:
        path, at, mode, error = request["folder"].encode(), request["at"], MODES[request["mode"]], request["errno"]
        faults.fault_arm(ctypes.c_char_p(path), ctypes.c_long(at), mode, error)
    sys.argv = ["logstats", *request["arguments"]]
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.stdout.flush()
    sys.stderr.flush()
    if faults:
        os.write(pipes["changes"], str(faults.fault_count()).encode())
    return code


def main() -> None:
    """Answer requests until there are no more."""
    for module in Path(__file__).with_name("imports.txt").read_text(encoding="utf-8").split():
        importlib.import_module(module)
    pl.lit(np.int64(0))  # polars finds numpy at its first use, and two threads at once may fail at that
    for line in sys.stdin.buffer:
        print(json.dumps(answer(json.loads(line))), flush=True)  # noqa: T201 - a driver talks by printing


if __name__ == "__main__":
    main()
