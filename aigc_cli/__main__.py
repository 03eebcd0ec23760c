"""`python -m aigc_cli` is the `aigc` command."""

from aigc_cli.app import main

if __name__ == "__main__":
    main()
