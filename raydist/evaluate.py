"""`python -m raydist.evaluate`: see `raydist.cli.evaluate`."""

from raydist.cli.evaluate import main

if __name__ == "__main__":
    main()
