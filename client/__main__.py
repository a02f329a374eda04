"""`python -m client` is `dualtrain`."""

from client.cli import main

if __name__ == "__main__":
    main()
