"""The link checker: which addresses of the catalog still lead to what they promise."""
