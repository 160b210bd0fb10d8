"""`python -m raydist.tune`: see `raydist.cli.tune`."""

from raydist.cli.tune import main

if __name__ == "__main__":
    main()
