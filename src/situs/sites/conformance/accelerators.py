"""What kinds of sites must do that give accelerators out one by one: no two runs share one unless they ask to.

Two are enough, and they may be simulated: who gets which is decided in the same way.
"""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from situs.sites.adapter import Adapter, Full, Key, Task
from situs.sites.conformance.waiting import PATIENCE_S, Opener, ended, python, until

TELL = """
import json, os, time
names = ("SITUS_ACCELERATORS", "CUDA_VISIBLE_DEVICES")
print(json.dumps([os.environ.get(name) for name in names]), flush=True)
while not os.path.exists({gate!r}): time.sleep(0.01)
"""


class AcceleratorConformance:
    """For a test class of a kind of site, beside :class:`situs.sites.conformance.suite.AdapterConformance`."""

    PARTS = True
    """whether several runs may have parts of one"""
    TOLD_BY_NUMBER = True
    """whether runs find their own in ``CUDA_VISIBLE_DEVICES``, by the same numbers"""

    @pytest.fixture
    def open_accelerated(self, tmp_path: Path) -> Opener:
        """Opens a site of one machine that has two accelerators."""
        raise NotImplementedError

    @pytest.fixture
    def accelerated(self, open_accelerated: Opener) -> Adapter:
        return open_accelerated()

    @pytest.fixture
    def gate(self, tmp_path: Path) -> Path:
        """Runs that tell what they have go on until this file is there."""
        return tmp_path / "gate"

    def told(self, site: Adapter, key: Key) -> list[str | None]:
        """What a run says that it was given, for us and for its libraries."""
        until(lambda: site.logs(key)[0].endswith(b"\n"), f"{key} tells what it has")
        found: list[str | None] = json.loads(site.logs(key)[0])
        return found

    def test_what_is_there_is_told(self, accelerated: Adapter) -> None:
        assert sum(accelerated.inventory().accelerators.values()) == 2

    def test_two_runs_never_share_one_and_a_third_gets_it_afterwards(
        self, accelerated: Adapter, gate: Path
    ) -> None:
        site, keys = accelerated, [Key(name, 1) for name in ("one", "two", "three")]
        for key in keys[:2]:
            site.start(Task(key, python(TELL.format(gate=str(gate))), accelerators=1))
        given = [self.told(site, key) for key in keys[:2]]
        assert {own for own, _ in given} == {"0", "1"}
        if self.TOLD_BY_NUMBER:
            assert all(own == visible for own, visible in given)
        third = Task(keys[2], python(TELL.format(gate=str(gate))), accelerators=1)
        with pytest.raises(Full, match="accelerators"):
            site.start(third)
        assert site.status(keys[2]).state == "absent"
        # Starting again takes nothing more.
        site.start(Task(keys[0], python(TELL.format(gate=str(gate))), accelerators=1))
        site.stop(keys[0], grace_s=0)
        site.start(third)
        assert self.told(site, keys[2])[0] == given[0][0]
        gate.touch()
        for key in keys[1:]:
            assert ended(site, key).succeeded

    @pytest.mark.slow
    def test_a_run_gets_as_many_as_it_asks_for_or_none(self, accelerated: Adapter, gate: Path) -> None:
        site, both, more = accelerated, Key("both", 1), Key("more", 1)
        with pytest.raises(Full):
            site.start(Task(more, python("pass"), accelerators=3))
        gate.touch()
        site.start(Task(both, python(TELL.format(gate=str(gate))), accelerators=2))
        assert sorted((self.told(site, both)[0] or "").split(",")) == ["0", "1"]
        assert ended(site, both).succeeded

    @pytest.mark.slow
    def test_who_asks_for_none_sees_none(self, accelerated: Adapter, gate: Path) -> None:
        gate.touch()
        accelerated.start(Task(Key("job", 1), python(TELL.format(gate=str(gate)))))
        own, visible = self.told(accelerated, Key("job", 1))
        assert own is None
        if self.TOLD_BY_NUMBER:
            assert visible == ""
            named = Task(Key("job", 2), python(TELL.format(gate=str(gate))), {"CUDA_VISIBLE_DEVICES": "1"})
            accelerated.start(named)
            assert self.told(accelerated, Key("job", 2)) == [None, "1"]

    @pytest.mark.slow
    def test_parts_of_one_are_shared_and_leave_whole_ones_free(
        self, accelerated: Adapter, gate: Path
    ) -> None:
        if not self.PARTS:
            return
        site, keys = accelerated, [Key(name, 1) for name in ("a", "b", "c", "whole", "d")]
        for key, share in zip(keys, (0.5, 0.3, 0.2, 1.0), strict=False):
            site.start(
                Task(key, python(TELL.format(gate=str(gate))), accelerators=1, accelerator_share=share)
            )
        given = [self.told(site, key)[0] for key in keys[:4]]
        assert given[0] == given[1] == given[2] != given[3]
        with pytest.raises(Full):
            site.start(Task(keys[4], python("pass"), accelerators=1, accelerator_share=0.1))
        gate.touch()
        for key in keys[:4]:
            assert ended(site, key).succeeded

    @pytest.mark.slow
    def test_of_many_who_start_at_once_none_share_one(self, open_accelerated: Opener, gate: Path) -> None:
        fork = multiprocessing.get_context("fork")
        barrier, keys = fork.Barrier(6), [Key(f"job-{number}", 1) for number in range(6)]

        def starter(key: Key) -> None:
            site = open_accelerated()
            barrier.wait(PATIENCE_S)
            try:
                site.start(Task(key, python(TELL.format(gate=str(gate))), accelerators=1))
            except Full:
                raise SystemExit(3) from None

        starters = [fork.Process(target=starter, args=(key,)) for key in keys]
        for process in starters:
            process.start()
        for process in starters:
            process.join(PATIENCE_S)
        assert sorted(process.exitcode or 0 for process in starters) == [0, 0, 3, 3, 3, 3]
        site = open_accelerated()
        begun = [key for key, process in zip(keys, starters, strict=True) if process.exitcode == 0]
        assert {self.told(site, key)[0] for key in begun} == {"0", "1"}
        gate.touch()
        for key in begun:
            assert ended(site, key).succeeded
