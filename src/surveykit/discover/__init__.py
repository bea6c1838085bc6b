"""New papers, ranked by how near they are to a catalog; see docs/discover.md."""
