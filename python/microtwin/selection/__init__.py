"""Which images are worth using: labels, the preclassifier, and whom to ask next.

What lives here: labelling by several people, strategies of asking, their simulation and summary.
What may not: training by itself, which is done in `microtwin.classification`. The public names are
listed in ``__init__.pyi``; each is imported when first used: only the preclassifier needs JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
