"""Facts: dated, sourced catalogues of prices, emissions, latencies, country groups and certificates.

Every figure names the day it was true and where it comes from; a plan names the version of each catalogue
it used, so that an old price set can be replayed.
"""

from situs.facts.catalogue import Facts
from situs.facts.completion import complete
from situs.facts.fact import Egress, Fact, Membership, PriceFact, Scheme
from situs.facts.reading import load, read

__all__ = ["Egress", "Fact", "Facts", "Membership", "PriceFact", "Scheme", "complete", "load", "read"]
