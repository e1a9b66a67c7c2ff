"""Where the processor limit is one of time, not of processors."""

from __future__ import annotations

from situs.sites.adapter import Adapter, Key, Task
from situs.sites.conformance.waiting import ended, python

KEY = Key("job", 1)


class ProcessorTimeConformance:
    """What holds at such sites."""

    def test_the_processor_limit_holds(self, site: Adapter) -> None:
        """By time, not by processors: four busy processes together get one second of them each second."""
        text = (
            "import os, time\nfor _ in range(3):\n    if os.fork() == 0: break\n"
            "end = time.monotonic() + 2.0\nwhile time.monotonic() < end: pass\n"
            "try:\n    while True: os.wait()\nexcept ChildProcessError: print(os.times()[:4])\n"
        )
        site.start(Task(KEY, python(text), cpus=1))
        status = ended(site, KEY)
        assert status.usage is not None
        told = site.logs(KEY)[0].decode().splitlines()[-1]
        assert sum(map(float, told.strip("()").split(", "))) <= status.usage.wall_s * 1.1
