"""PercepNet in float: one stage a file, reads like the paper. Start at suppressor.py."""
