"""What leaves this process: episodes one way, weights the other."""
