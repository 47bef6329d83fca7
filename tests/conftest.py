"""What all tests share."""

import os
from pathlib import Path

import hypothesis
import pytest

# The machines that run this are shared and slow at times: no deadline for one example.
hypothesis.settings.register_profile("microtwin", deadline=None, max_examples=60)
hypothesis.settings.load_profile("microtwin")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs and volumes; tests that need it are skipped without it."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("MICROTWIN_DATA", default))
    if not folder.is_dir():
        pytest.skip("no real micrographs here; set MICROTWIN_DATA to their folder")
    return folder
