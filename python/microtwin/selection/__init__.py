"""Which images are worth using: labels, the preclassifier, and whom to ask next.

It trains nothing by itself: that is done in `microtwin.classification`. The public names are listed
in ``__init__.pyi``; each is imported when it is first used, since only the preclassifier needs JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
