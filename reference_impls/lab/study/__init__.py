"""What every method gets: command line, results, charts, reports, worker pools."""
