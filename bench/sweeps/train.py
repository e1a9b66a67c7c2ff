"""Trains a small network on the digits that come with scikit-learn; reports the loss on digits it has not seen."""

import os
import sys
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

PASSES = 10
"""Through the data in each step: a step of a real training takes longer than these few digits do."""
rate, penalty, hidden, batch = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
digits, answers = load_digits(return_X_y=True)
seen, unseen, known, asked = train_test_split(digits / 16, answers, test_size=0.25, random_state=0)
model = MLPClassifier((hidden,), learning_rate_init=rate, alpha=penalty, batch_size=batch, random_state=0)
warnings.simplefilter("ignore")
for step in range(1, int(sys.argv[5]) + 1):
    for _ in range(PASSES):
        model.partial_fit(seen, known, classes=range(10))
    with Path(os.environ["SITUS_REPORT"]).open("a") as report:
        report.write(f"{step} {log_loss(asked, model.predict_proba(unseen))}\n")
