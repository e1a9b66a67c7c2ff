"""Counts aloud, a line each twentieth of a second, so that whoever follows can tell what is missing."""

import itertools
import time

for number in itertools.count():
    print(number, flush=True)
    time.sleep(0.05)
