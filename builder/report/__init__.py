"""What the eye sees: made from events and records alone."""
