#!/usr/bin/env python3
"""Makes data/counts.json from lines of `label<TAB>text` on standard input."""

import json
import sys
from collections import Counter, defaultdict

counts = defaultdict(Counter)
for line in sys.stdin:
    label, _, text = line.rstrip("\n").partition("\t")
    counts[label].update(text.lower().split())
json.dump(counts, sys.stdout, indent=2, sort_keys=True)
