"""Learning from demonstrations: plans made without the agent, one file a source."""
