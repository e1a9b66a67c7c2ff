"""What a run of an engine gets of accelerators, in the engine's words and in the run's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Accelerators:
    """Those that a run was given."""

    real: tuple[int, ...] = ()
    simulated: tuple[int, ...] = ()
    """they have numbers after those of all real ones"""
    by_name: bool = False
    """the engine knows the real ones by names of the Container Device Interface"""
    others: bool = False
    """there are some that it was not given"""

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What the engine is asked for."""
        if not self.real:
            return []
        if self.by_name:
            return [{"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={number}" for number in self.real]}]
        ids = [str(number) for number in self.real]
        return [{"Driver": "nvidia", "DeviceIDs": ids, "Capabilities": [["gpu"]]}]

    @property
    def hidden(self) -> dict[str, str]:
        """What a run is told that was given none where there are some; it may say otherwise of itself.

        Images that are made for accelerators ask for all there are, and some engines do as images say.
        """
        return {"NVIDIA_VISIBLE_DEVICES": "void", "CUDA_VISIBLE_DEVICES": ""} if self.others else {}

    @property
    def env(self) -> dict[str, str]:
        """What the run is told. Inside, real ones have numbers from 0 on, whichever they are."""
        numbers = [*self.real, *self.simulated]
        if not numbers:
            return {}
        told = {"SITUS_ACCELERATORS": ",".join(map(str, numbers))}
        return told if self.real else {**told, "CUDA_VISIBLE_DEVICES": told["SITUS_ACCELERATORS"]}


NONE = Accelerators()
