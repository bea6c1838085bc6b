"""Services that know papers: an identifier becomes a record. One module for each service, one signature."""
