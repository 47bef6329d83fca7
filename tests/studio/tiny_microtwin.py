"""The command line with a network so small that it trains in seconds, for jobs of the tests."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if "train" in sys.argv[1:2] or "sample" in sys.argv[1:2]:
        from generation.tiny import install_tiny_preset

        install_tiny_preset(dict.__setitem__, validate_every=20)
    from microtwin.cli import main

    main()
