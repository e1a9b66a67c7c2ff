"""A small estate with a choice in it, and facts of two dates, for what is recorded and made again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

from situs.intent import load
from situs.model.intent import Intent

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
ESTATE = """
settings: {at: 2026-11-23T08:00Z, currency: EUR}
sites:
  cloud:
    kind: public
    operator: aws
    region: eu-central-1
    country: DE
    pools:
      gpu: {sku: aws/us-east-1/g6.xlarge}
  hoster:
    kind: private
    operator: hoster
    country: DE
    pools:
      gpu:
        accelerator: L4
        node: {cpu: 4, memory: 16GiB, accelerators: 1}
        price: {basis: on_demand, price: 0.90 EUR/h}
        limit: 4
links:
  - {from: "*", to: "*", latency: 10ms, bandwidth: 1Gbit/s, price: 0 EUR/GB}
workloads:
  train:
    stage: train
    label: {level: 0}
    shapes: [{cpu: 2, memory: 8GiB, accelerators: 1}]
    job: {work: 100h, per_month: 2}
"""


def write_estate(folder: Path, **changes: str) -> Path:
    """The estate as a file, with words replaced; gives its folder."""
    text = dedent(ESTATE)
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "estate.yaml").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path) -> Intent:
    """The estate of a folder."""
    return load(folder).intent
