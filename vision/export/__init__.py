"""`shelfwatch export`: one weights file in each format and precision, with what that costs in accuracy."""
