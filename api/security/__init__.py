"""Who may do what: API keys with scopes, and the hosts and origins that requests may name."""

from dualtrain.api.security.hosts import Hosts
from dualtrain.api.security.keys import ANYONE, Key, Keys, Scope

__all__ = ["ANYONE", "Hosts", "Key", "Keys", "Scope"]
