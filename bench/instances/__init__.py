"""The published benchmark instances: what they contain, and why.

``generate(size, seed, tightness, features)`` draws one. Sizes (classes of workloads x sites): ``1k``
1,000 x 20, ``10k`` 10,000 x 50, ``100k`` 100,000 x 200, each with all workloads different, and ``1m``,
1,000,000 units in 2,000 classes x 1,000 sites. Seeds are whole numbers; the figures use 0 to 9.

**Sites.** 55 % public (one of nine providers), 20 % private, 15 % on premises, 10 % edge, in six
jurisdictions that also lie together in space. Each has one to four pools of different node types: CPU
nodes at four sites of five, the rest accelerators of six generations, whose speeds differ by a factor
of 14. Prices per accelerator are drawn between the lowest and highest public list price of the part
(:mod:`bench.instances.catalog`), times a level of the site.

**Targets.** A public pool is offered on demand and as spot, with a quota on vCPUs and accelerators for
each; an own pool has whole nodes with vCPUs, memory and accelerators, at the price of its electricity
and staff. Own sites also run out of storage.

**Workloads.** Training, tuning, serving, batch and preparation. Work is log-normal with a long tail; vCPUs,
memory and storage deviate from it on their own, so that sometimes the one and sometimes the other binds.
All demands are continuous: no two workloads are alike and nothing divides evenly. One to three shapes: an
accelerator type each, among those with enough memory, at a speed of the workload's own. Only some may
run on spot, at the cost of lost work.

**Rules.** Each workload may use 20 to 60 % of the sites, chosen by jurisdiction, clearance, distance to
its users, and chance. A workload that would be left without any suitable node gets an exception.

**Scarcity.** Capacities are drawn around the load each target would carry if every workload spread evenly
over its options, times a factor by price basis, divided by the tightness: on demand is elastic, but own
nodes and spot, which cost a fraction, are wanted by many more than fit. Leaving a workload out costs two
to twelve times what it costs on average to place it, by its priority.

**features="all"** adds, in the same problem: *datasets* (one per 25 classes, log-normal sizes) with up to
eight sites that may hold a replica, one to three of them open, their storage, and half of the workloads
reading one in place or over the line; *blocks* of whole nodes with a fixed monthly price, bringing vCPUs,
memory and accelerators together, reserved at public pools and as further nodes at own ones; *egress* as
volume a provider, at list price or cheaper under a contract with a fee; *spread* of services over sites
or providers; *moves*: 60 % of the units run somewhere today and have a bill for moving, credited to
what stays.

``change`` alters a share of the workloads of an instance that has been placed, for re-planning.
"""

from bench.instances.change import Change, change, moved_share
from bench.instances.generate import SIZES, Features, Instance, generate

__all__ = ["SIZES", "Change", "Features", "Instance", "change", "generate", "moved_share"]
