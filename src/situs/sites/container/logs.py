"""Output of a container as the engine frames it: eight bytes that say stream and length, then so many bytes."""

from __future__ import annotations

from collections.abc import Iterator


def unframed(blocks: Iterator[bytes], skip: int) -> bytes:
    """Both streams as one, without its first ``skip`` bytes."""
    ahead, text = bytearray(), bytearray()
    for block in blocks:
        ahead += block
        place = 0
        while len(ahead) - place >= 8:
            length = int.from_bytes(ahead[place + 4 : place + 8], "big")
            if len(ahead) - place < 8 + length:
                break
            begin = place + 8
            passed = min(skip, length)
            skip -= passed
            text += ahead[begin + passed : begin + length]
            place = begin + length
        del ahead[:place]
    return bytes(text)
