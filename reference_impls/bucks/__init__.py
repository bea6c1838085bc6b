"""A service of embeddings that answers the worse, the more of its space an account has seen."""
