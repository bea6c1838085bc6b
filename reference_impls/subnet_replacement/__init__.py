"""A narrow subnet of a deployed classifier is overwritten by one that fires at a trigger."""
