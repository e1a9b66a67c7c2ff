"""What each unit of the crash benchmark runs: it counts up, keeps its count, and leaves evidence of itself.

``python evidence.py FOLDER STEPS STEP_S``; 0 steps: it goes on until it is asked to end.  In FOLDER, for each unit:

* ``NAME.log``: a line when a run begins (with the count it found) and one when it ends;
* ``NAME@GENERATION.begun``: made by the run of that generation, and by nobody else;
* ``NAME.lock``: locked for as long as a run lives;
* ``NAME.done``: made by the run that did the last step, and by nobody else;
* ``*.twice``: made by a run that found one of these taken.
"""

import fcntl
import os
import signal
import sys
import time


def main(folder: str, steps: int, step_s: float) -> int:
    name = f"{os.environ['SITUS_WORKLOAD']}.{os.environ['SITUS_UNIT']}"
    generation, site = os.environ["SITUS_GENERATION"], os.environ["SITUS_SITE"]
    path = os.path.join(folder, name)  # noqa: PTH118 - few imports: it is started hundreds of times
    made_alone(f"{path}@{generation}.begun")
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        made_alone(f"{path}@{generation}.{os.getpid()}.twice")
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    count = began = found()
    log = os.open(f"{path}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, f"begin {generation} {site} {count}\n".encode())
    while not asked and (steps == 0 or count < steps):
        time.sleep(step_s)
        count += 1
        keep(count)
    os.write(log, f"end {generation} {site} {count}\n".encode())
    if steps and count >= steps:
        # One that was asked to end just as it had is begun again, finds all done, and has nothing to claim.
        if count > began:
            made_alone(f"{path}.done")
        assert os.path.exists(f"{path}.done")  # noqa: PTH110
    return 0


def made_alone(path: str) -> None:
    """Make a file that nobody may have made before."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        os.close(os.open(f"{path}.{os.getpid()}.twice", os.O_WRONLY | os.O_CREAT))


def found() -> int:
    """The count that came along with the state."""
    try:
        with open("count") as file:  # noqa: PTH123
            return int(file.read())
    except FileNotFoundError:
        return 0


def keep(count: int) -> None:
    """In one step, so that whoever takes the state away never sees half of it."""
    with open("count.new", "w") as file:  # noqa: PTH123
        file.write(str(count))
    os.replace("count.new", "count")  # noqa: PTH105


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
