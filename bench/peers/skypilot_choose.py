"""Asks SkyPilot's optimizer where a task should run. Runs in SkyPilot's own environment, offline.

Standard input, a JSON value a line: first the catalogue, ``[{column: value}, ...]``; then for each task
``{"requests": [arguments of sky.Resources, ...], "blocked": [region, ...]}``: it may run on any of the
requests, but in none of the regions, which have turned out to be full (as in SkyPilot's own failover).
Standard output: for each task the instance type, or null.

SkyPilot reads its catalogue from CSV files in its runtime folder. All providers go into the file of one
cloud, as its regions, so that nothing but the catalogue decides; no credentials are asked for because
nothing is started.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what SkyPilot prints must not mix with the answers
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(SKY_RUNTIME_DIR=folder, HOME=folder, SKYPILOT_DISABLE_USAGE_COLLECTION="1")
        _write_catalogue(Path(folder), json.loads(sys.stdin.readline()))
        _enable_the_cloud()
        for line in sys.stdin:
            answers.write(json.dumps(_choice(**json.loads(line))) + "\n")
            answers.flush()


def _write_catalogue(folder: Path, rows: list[dict[str, object]]) -> None:
    from sky.skylet import constants

    catalogues = folder / ".sky" / "catalogs" / constants.CATALOG_SCHEMA_VERSION
    models = sorted({str(row["AcceleratorName"]) for row in rows if row["AcceleratorName"]})
    _write_csv(catalogues / "nebius" / "vms.csv", rows)
    _write_csv(
        catalogues / "common" / "accelerators.csv",
        [{"AcceleratorName": model, "Clouds": "Nebius"} for model in models],
    )


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _enable_the_cloud() -> None:
    import sky
    from sky import check

    check.get_cached_enabled_clouds_or_refresh = lambda *_, **__: [sky.clouds.Nebius()]


def _choice(requests: list[dict[str, object]], blocked: list[str]) -> str | None:
    import sky
    from sky import exceptions
    from sky.optimizer import Optimizer

    cloud = sky.clouds.Nebius()
    with sky.Dag() as dag:
        task = sky.Task(name="task", run="true")
        task.set_resources({sky.Resources(cloud=cloud, **request) for request in requests})
    full = [sky.Resources(cloud=cloud, region=region) for region in blocked]
    try:
        Optimizer.optimize(dag, blocked_resources=full, quiet=True)
    except exceptions.ResourcesUnavailableError:
        return None
    chosen: str = task.best_resources.instance_type
    return chosen


if __name__ == "__main__":
    main()
