"""`python -m dualtrain.client` is `dualtrain`."""

from dualtrain.client.cli import main

if __name__ == "__main__":
    main()
