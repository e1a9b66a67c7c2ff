"""``python -m situs.cli``: the command line where its script is not on the path."""

from situs.cli.main import run

if __name__ == "__main__":
    run()
