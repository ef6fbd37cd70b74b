"""The MuZero agent in pure JAX: networks, search, losses, learner. Knows no encoder and no disk."""
