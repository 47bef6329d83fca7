"""Statistical twins of random microstructures: measure, anneal, learn, compare.

The public names are listed in ``__init__.pyi``. Each is imported when it is first used, so that
``import microtwin`` is quick however heavy the room behind a name may be.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
