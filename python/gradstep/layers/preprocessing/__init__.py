"""Images and features made ready, as layers."""
