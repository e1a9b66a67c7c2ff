"""A call of a function as bytes, and what came of it as a value.

What is defined in a script or notebook is sent by value, and so are modules of one's own that lie outside the folder
that is sent; all else is imported at the site.  What comes back is unpickled here, which runs what the site says:
functions belong at sites that one trusts with this machine.
"""

from __future__ import annotations

import json
import pickle
import sys
import sysconfig
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from situs.model.error import SitusError

PLACE = ".situs-task"
CALL, RESULT = f"{PLACE}/call", f"{PLACE}/result"
COMMAND = ("python", f"{PLACE}/runner.py")


class TaskFailed(SitusError):
    """A function at a site gave no result; the text is what it said there."""


def packed(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], folder: Path
) -> bytes:
    """A call, for the same version of Python. Raises SitusError for what cannot be sent."""
    module = sys.modules.get(function.__module__)
    by_value = module is not None and _is_left_behind(module, folder)
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        content: bytes = cloudpickle.dumps((function, args, dict(kwargs)))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise SitusError(f"{function.__name__} cannot be sent: {error}") from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)
    return f"{sys.version_info[0]}.{sys.version_info[1]}\n".encode() + content


def support() -> dict[str, bytes]:
    """What is sent with every function: what runs it, and what unpacks it. Always the same, so it is sent once."""
    runner = (files("situs.control.tasks") / "runner.py").read_bytes()
    home = Path(cloudpickle.__file__).parent
    return {
        f"{PLACE}/runner.py": runner,
        **{f"{PLACE}/cloudpickle/{path.name}": path.read_bytes() for path in sorted(home.glob("*.py"))},
    }


def outcome(path: Path) -> Any:
    """What a function gave, from the file that its runner wrote.

    Raises what the function raised, with its traceback there as the cause; TaskFailed when that cannot be had here.
    """
    with path.open("rb") as file:
        said = json.loads(file.readline())
        content = file.read()
    try:
        value = pickle.loads(content) if content else None  # noqa: S301 - see the module's text
    except Exception as error:
        raise TaskFailed(f"{said['text'] or 'its result'} (cannot be read here: {error})") from error
    if said["kind"] == "result":
        return value
    there = TaskFailed(said["text"].strip())
    if isinstance(value, BaseException):
        raise value from there
    raise there


def _is_left_behind(module: ModuleType, folder: Path) -> bool:
    """Whether the site would not find a module: it is not installed, and not in the folder that is sent."""
    if module.__name__ == "__main__" or not getattr(module, "__file__", None):
        return False
    path = Path(str(module.__file__)).resolve()
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")]
    return not any(path.is_relative_to(place) for place in (*installed, folder.resolve()))
