"""Studies of the method with ideal values: what each step, and each decision, is worth.

    python -m studies ladder --set build/sets/X --out build/ladder
    python -m studies decisions --set build/sets/X --out build/decisions

and of a network: what its parts are worth, what it does with inputs at the edge.

    python -m studies parts --set build/sets/X --out build/parts --model small
    python -m studies trials --set build/sets/X --out build/trials --model small

Which of several weights to ship:

    python -m studies.judge A.safetensors B.safetensors --sets build/sets/X build/sets/Y

The first four write OUT/out/<step>/X/<clip>.wav, which eval.studies, eval.decisions and eval.trials
score; all but decisions also OUT/steps.json, {step: what is done}, in order.
"""
