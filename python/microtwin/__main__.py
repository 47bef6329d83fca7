"""`python -m microtwin` is the same as `microtwin`."""

from microtwin.cli import main

if __name__ == "__main__":
    main()
