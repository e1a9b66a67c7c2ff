"""Runs one function where a site has put it, and writes down what it gives or raises.

It is sent along with the function and needs nothing but Python: what the function needs besides is the business of
its packages.  It is not imported here, and is kept to what Python 3.8 understands.
"""

import json
import os
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Exit code 1: the function raised; 2: it was never called."""
    sys.path[:0] = [str(Path.cwd()), str(HERE)]
    import cloudpickle

    with (HERE / "call").open("rb") as file:
        wanted, content = file.readline().decode().strip(), file.read()
    there = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if wanted != there:
        # What a function is made of differs between versions.
        sys.stderr.write(f"situs: the function is of Python {wanted}, and this is {there}\n")
        return 2
    try:
        function, args, kwargs = cloudpickle.loads(content)
        value, kind, text = function(*args, **kwargs), "result", ""
    except BaseException as error:
        value, kind, text = error, "error", traceback.format_exc()
        sys.stderr.write(text)
    try:
        packed = cloudpickle.dumps(value)
    except Exception as error:
        text = text or f"its result cannot be sent back: {type(error).__name__}: {error}"
        packed, kind = b"", "error"
    new = HERE / "result.new"
    with new.open("wb") as file:
        file.write(json.dumps({"kind": kind, "text": text}).encode() + b"\n" + packed)
        file.flush()
        os.fsync(file.fileno())
    new.replace(HERE / "result")
    return 0 if kind == "result" else 1


if __name__ == "__main__":
    sys.exit(main())
