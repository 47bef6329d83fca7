"""Networks and images that several tests of classifiers share."""

import pytest

from squares import save_squares, train_both


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Folders of a trained convolutional network and of a dense one."""
    return train_both(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder with a sub-folder of images for each class."""
    return save_squares(tmp_path_factory.mktemp("pictures"), 12)
