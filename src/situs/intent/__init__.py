"""Intent as files: reading, checking, writing, and importing what people already have."""

from situs.intent.loader import Loaded, input_hash, load, loads

__all__ = ["Loaded", "input_hash", "load", "loads"]
