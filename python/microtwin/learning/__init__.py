"""The training loop, its log, its checkpoints, optimisers and the adversarial steps.

A training state is any pytree, a step any function ``state, metrics = step(state, batch, key)``.
What may not live here: anything that knows a material, an architecture or a preset.
"""
