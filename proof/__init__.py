"""What is proved of the generated C, by which tool, and what is not: python -m proof."""
