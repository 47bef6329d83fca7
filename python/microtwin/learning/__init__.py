"""The training loop, its log, its checkpoints and the adversarial steps.

This room knows no material and no architecture: a training state is any pytree, a step any function
``state, metrics = step(state, batch, key)``.
"""
