"""Training: recordings (data) -> mixtures (mix, room, synth) -> shards -> network -> weights."""
