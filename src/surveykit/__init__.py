"""A living survey as data: YAML entries in, website, README and BibTeX out."""

__version__ = "0.1.0"
