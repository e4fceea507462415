"""Regression benchmarks: how long each stage takes. `make bench` runs them; compare two commits on one machine
in one sitting with `pytest bench/regression --benchmark-save=NAME` and `--benchmark-compare`."""
