"""Rewards: outcomes of episodes, opponents, and the rules that score one against the other."""
