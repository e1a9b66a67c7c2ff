"""The demonstration: four small sites on this machine, real data, real models, one plan."""
