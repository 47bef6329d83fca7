"""Train, judge and explain image classifiers; find what is not normal.

It knows labelled images and networks that judge them, but not what a network generates.
"""
