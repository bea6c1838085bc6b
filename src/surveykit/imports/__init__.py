"""Files of references become records: one module for each format, one signature; nothing is dropped in silence."""
