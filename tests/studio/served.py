"""A studio as `microtwin serve` starts it, whose jobs know the tiny network: PROJECT [OPTIONS]."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from generation.tiny import install_tiny_preset
    from microtwin.studio import serve

    install_tiny_preset(dict.__setitem__)
    options = dict(argument.split("=", 1) for argument in sys.argv[2:])
    serve(
        sys.argv[1],
        port=0,
        host=options.get("host", "127.0.0.1"),
        token=options.get("token"),
        max_upload=int(options.get("max_upload", 64)),
        tell=lambda text: print(text, flush=True),
        program=(sys.executable, str(Path(__file__).with_name("tiny_microtwin.py"))),
    )
