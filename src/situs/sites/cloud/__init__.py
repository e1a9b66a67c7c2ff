"""Public clouds as sites: SkyPilot's API server rents the machines, and runs are kept on them as on any POSIX host."""
