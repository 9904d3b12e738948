"""Files in and out: TIFF sources, HDF5 stacks, Parquet tables."""
