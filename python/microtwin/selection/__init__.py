"""Which images are worth using: labels, the preclassifier, and whom to ask next.

It trains nothing by itself: that is done in `microtwin.classification`.
"""
