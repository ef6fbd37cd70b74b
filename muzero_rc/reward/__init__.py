"""Self-competition: outcomes, opponents, and the rules that score one against the other."""
