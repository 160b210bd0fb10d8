"""`python -m raydist.train`: see `raydist.cli.train`."""

from raydist.cli.train import main

if __name__ == "__main__":
    main()
