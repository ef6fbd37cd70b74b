"""What is encoded: clips, instances made of them, their anchor curves and targets."""
