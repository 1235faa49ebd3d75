"""What goes into carriers: wheels, the environment's own files, standalone Pythons, and their byte code."""
