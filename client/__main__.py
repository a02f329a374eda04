"""`python -m dualtrain.client` is `dualtrain`."""

from dualtrain.__main__ import main

if __name__ == "__main__":
    main()
