"""The work of the demonstration: prepare, tune, train and serve real models. Sent to sites as it is.

Data travel as ``.npz`` arrays without pickled objects: loading a model must never run code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression


def prepare(source: str, target: str) -> None:
    """Scale every feature to unit spread and set a fifth of the records aside for the test."""
    with np.load(source, allow_pickle=False) as data:
        x, y = data["x"].astype(float), data["y"]
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    cut = len(x) * 4 // 5
    x = (x - mean) / spread
    _save(target, x=x[:cut], y=y[:cut], x_test=x[cut:], y_test=y[cut:], mean=mean, spread=spread)
    print(f"prepared {len(x)} records of {x.shape[1]} features")


GRID = [(c, balanced) for c in (0.01, 0.1, 1.0) for balanced in (False, True)]
"""Settings that are tried: the inverse strength of regularisation, and whether rare classes count for more."""
UNTUNED = (1.0, False)


def tune(source: str, target: str) -> None:
    """Try all settings by cross-validation, on the records for training alone; keep the best."""
    from sklearn.model_selection import cross_val_score

    with np.load(source, allow_pickle=False) as data:
        x, y = data["x"], data["y"]
    scores = {settings: float(cross_val_score(_model(*settings), x, y, cv=3).mean()) for settings in GRID}
    best = max(scores, key=lambda settings: scores[settings])
    _save(target, c=np.asarray(best[0]), balanced=np.asarray(best[1]), score=np.asarray(scores[best]))
    print(f"tuned: {_said(*best)} is the best of {len(GRID)}: {scores[best]:.3f} in cross-validation, "
          f"{scores[UNTUNED]:.3f} without tuning")  # fmt: skip


def train(source: str, settings: str, target: str) -> None:
    """Train with the settings that tuning found, and test once on records that nothing has seen."""
    with np.load(source, allow_pickle=False) as data:
        x, y, x_test, y_test = data["x"], data["y"], data["x_test"], data["y_test"]
        mean, spread = data["mean"], data["spread"]
    with np.load(settings, allow_pickle=False) as data:
        best = float(data["c"]), bool(data["balanced"])
    model = _model(*best).fit(x, y)
    accuracy = model.score(x_test, y_test)
    _save(
        target, weights=model.coef_, bias=model.intercept_, classes=model.classes_, mean=mean, spread=spread,
        accuracy=np.asarray(accuracy),
    )  # fmt: skip
    print(f"trained with {_said(*best)}; accuracy {accuracy:.3f} on {len(x_test)} records it has not seen")


def _model(c: float, balanced: bool) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, class_weight="balanced" if balanced else None, max_iter=500)


def _said(c: float, balanced: bool) -> str:
    return f"C {c:g}{', balanced' if balanced else ''}"


def serve(source: str) -> None:
    """Answer POST /predict with the class of each record; the first line printed is the address."""
    with np.load(source, allow_pickle=False) as data:
        weights, bias, classes = data["weights"], data["bias"], data["classes"]
        mean, spread = data["mean"], data["spread"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200 if self.path == "/health" else 404, {"ok": self.path == "/health"})

        def do_POST(self) -> None:
            try:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                x = (np.asarray(body["records"], dtype=float) - mean) / spread
                scores = x @ weights.T + bias
            except (ValueError, KeyError, TypeError):
                self._answer(400, {"error": 'send {"records": [[...], ...]} with one number per feature'})
                return
            best = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
            self._answer(200, {"classes": classes[best].tolist()})

        def _answer(self, code: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("SITUS_PORT", "0"))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


def _save(target: str, **arrays: np.ndarray) -> None:
    with open(target, "wb") as file:  # noqa: PTH123 - the script is sent alone and stays plain
        np.savez(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    steps: dict[str, Callable[..., None]] = {"prepare": prepare, "tune": tune, "train": train, "serve": serve}
    steps[sys.argv[1]](*sys.argv[2:])
