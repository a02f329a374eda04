"""Programs as others write them, for adapt: NumPy by several names, math, classes, and a module of their own."""
