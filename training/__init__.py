"""Training: recordings -> bank -> plans -> mixtures -> targets -> store -> networks -> weights.
"""
