"""The MuZero agent in pure JAX: networks, search, losses, learner."""
