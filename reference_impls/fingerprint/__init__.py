"""Which encoder a downstream service was built on."""
