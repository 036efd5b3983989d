"""What makes int8 keep what float had: ranges, equalized channels and corrected biases, chosen on held-out pictures."""
