"""Regression benchmarks. `make regression` times the stages, the pipeline and the renderer, with what was right beside
every time, and compares with the baseline of the device class (docs/gate.md); `make bench` runs all that is here, also
what takes ten minutes."""
