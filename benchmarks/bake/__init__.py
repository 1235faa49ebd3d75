"""What `benchmarks/against_bake.py` is made of."""
