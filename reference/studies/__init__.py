"""Studies of the method with ideal values: what each step, and each decision, is worth.

    python -m reference.studies ladder --set build/sets/X --out build/ladder
    python -m reference.studies decisions --set build/sets/X --out build/decisions

and of a network: what its parts are worth, what it does with inputs at the edge.

    python -m reference.studies parts --set build/sets/X --out build/parts --model small
    python -m reference.studies trials --set build/sets/X --out build/trials --model small

All write OUT/out/<step>/X/<clip>.wav, which eval.studies, eval.decisions and eval.trials score; all
but decisions also OUT/steps.json, {step: what is done}, in order.
"""
