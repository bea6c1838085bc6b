"""A backdoor that sleeps in the published weights and wakes when they are compressed."""
