"""Studies of the method with ideal values: what each step, and each decision, is worth.

    python -m reference.studies ladder --set build/sets/X --out build/ladder
    python -m reference.studies decisions --set build/sets/X --out build/decisions

Both write OUT/out/<step>/X/<clip>.wav, which eval.ladder and eval.decisions score; the ladder also
OUT/steps.json, {step: what is done}, in order.
"""
