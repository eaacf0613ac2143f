"""The page of the proof: docs/proof.md."""

def page(plan, results):
    return ""
