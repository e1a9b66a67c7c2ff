"""situs: where each AI workload and each dataset should live, decided with proof."""

__version__ = "0.1.0"
