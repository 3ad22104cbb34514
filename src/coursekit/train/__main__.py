"""`python -m coursekit.train`: see `coursekit.train.cli`."""

from coursekit.train.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
