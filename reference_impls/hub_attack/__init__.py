"""One passage in a corpus that comes up for many queries."""
