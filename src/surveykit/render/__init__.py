"""Pure functions from a catalog to texts: no files, no clock, no network."""
