"""The Hydra configuration of the workbench's commands."""
