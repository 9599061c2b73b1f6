"""The fused steps as C functions without the GIL, for Cython and Numba: `gradstep.cython.optimizers`."""
