"""`shelfbench gate base=REV`: two versions of the deployed pipeline side by side, and whether the newer is slower or
reads worse. docs/gate.md says what it measures and how sure it is."""
