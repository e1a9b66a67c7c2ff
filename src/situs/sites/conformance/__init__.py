"""The conformance suite of adapters, for our own kinds of sites and for those of third parties.

``pytest --pyargs situs.sites.conformance --situs-adapter MODULE:OPENER`` runs it; a test class of one's own derives
from :class:`~situs.sites.conformance.suite.AdapterConformance`.  It needs pytest, which situs itself does not.
"""
