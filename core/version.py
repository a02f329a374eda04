"""The installed version of dualtrain."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("dualtrain")
except PackageNotFoundError:  # a checkout on the path that is not installed
    __version__ = "0"
