"""The studio: every stage of the work as a page in the browser, over the same functions.

Pages read and show; what takes long runs as a command line of its own (`microtwin.studio.jobs`), so
that nothing is lost with a page or the server. What may not live here: anything that Python or the
command line would miss. NiceGUI is imported when a server starts and not before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
